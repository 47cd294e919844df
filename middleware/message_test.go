package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// message returns a message of a value on its way to a subscription, as the bus makes it.
func message(m topic.Metadata) *bus.Message { return messageFor(bus.RoleSubscriber, m) }

// messageFor is message for any role.
func messageFor(r bus.Role, m topic.Metadata) *bus.Message {
	if m.Topic == "" {
		m.Topic = "orders.created"
	}
	e := topic.NewEvent("two pencils", m)
	made := bus.NewMessage(&bus.Party{Role: r, Name: "shop"}, codec.JSON)
	made.Reset(e.Meta(), &e, &e.Value)
	return made
}

// eventFor returns the message of an event in the chain of a party of b.
func eventFor(b *bus.Bus, role bus.Role) *bus.Message {
	var metadata topic.Metadata
	if !role.Sends() {
		metadata.Source, metadata.Seq = uuid.UUID{1}, 1
	}
	m := messageFor(role, metadata)
	m.Party().Bus = b
	return m
}

// call calls f through a chain.
func call(ctx context.Context, f func(ctx context.Context) error, chain ...bus.Middleware) error {
	return bus.Chain(func(ctx context.Context, _ *bus.Message) error { return f(ctx) }, chain...)(ctx, message(topic.Metadata{}))
}

// text is that of the error, "" for nil.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// refused checks that a bus refuses a middleware because of an option.
func refused(t *testing.T, m bus.Middleware, field string, value any) {
	t.Helper()
	_, err := bus.New(&bus.Options{Publish: []bus.Middleware{m}})
	var option *bus.OptionError
	if !errors.As(err, &option) || option.Field != field || fmt.Sprint(option.Value) != fmt.Sprint(value) || option.Limit == "" {
		t.Errorf("%s of %v: bus.New returned %v", field, value, err)
	}
}

// allocations returns how often memory is allocated for a call of a handler that returns err.
func allocations(t *testing.T, m bus.Middleware, err error) float64 {
	t.Helper()
	ctx, msg := t.Context(), message(topic.Metadata{})
	h := bus.Chain(func(context.Context, *bus.Message) error { return err }, m)
	return testing.AllocsPerRun(100, func() {
		if got := h(ctx, msg); (got == nil) != (err == nil) {
			t.Errorf("got %v", got)
		}
	})
}

// TestPhases checks the names and phases of all middleware: the documentation and errors tell them.
func TestPhases(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		m     bus.Middleware
		name  string
		phase bus.Phase
	}{
		{middleware.Recover(), "recover", bus.PhaseRecover},
		{middleware.Delay(1), "delay", bus.PhaseSchedule},
		{middleware.DelayOnError(nil), "delay on error", bus.PhaseOutcome},
		{middleware.IgnoreErrors(errNoStock), "ignore errors", bus.PhaseOutcome},
		{middleware.Log(zerolog.Nop(), nil), "log", bus.PhaseObserve},
		{middleware.Retry(nil), "retry", bus.PhaseRetry},
		{middleware.Timeout(1), "timeout", bus.PhaseTimeout},
	} {
		if tc.m.Name != tc.name || tc.m.Phase != tc.phase || tc.m.Err != nil {
			t.Errorf("%q: it is %q, in phase %v, with the error %v", tc.name, tc.m.Name, tc.m.Phase, tc.m.Err)
		}
	}
}
