package middleware_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

// messageOf returns the message of an event in the chain of a party with the given role, for handlers that are called without a bus. Without a
// topic it is one on "orders.created".
func messageOf(role bus.Role, value string, about topic.Metadata) *bus.Message {
	if about.Topic == "" {
		about.Topic = "orders.created"
	}
	e := topic.NewEvent(value, about)
	m := bus.NewMessage(&bus.Party{Role: role, Name: about.Topic}, codec.String)
	m.Reset(e.Meta(), &e, &e.Value)
	return m
}

// message returns the message of an event as subscribers get it.
func message(about topic.Metadata) *bus.Message {
	return messageOf(bus.RoleSubscriber, "two pencils", about)
}

// order is message for an event of which nothing but the ID matters.
func order(id string) *bus.Message { return message(topic.Metadata{ID: id}) }

// eventFor returns the message of an event in the chain of a party of b.
func eventFor(b *bus.Bus, role bus.Role) *bus.Message {
	var about topic.Metadata
	if !role.Sends() {
		about.Source, about.Seq = uuid.UUID{1}, 1
	}
	m := messageOf(role, "two pencils", about)
	m.Party().Bus = b
	return m
}

// succeed is a handler.
func succeed(context.Context, *bus.Message) error { return nil }

// returning returns a handler that counts its calls and returns err.
func returning(calls *int, err error) bus.Handler {
	return func(context.Context, *bus.Message) error {
		*calls++
		return err
	}
}

// abruptly are handlers that do not return.
var abruptly = map[string]bus.Handler{
	"panic":  func(context.Context, *bus.Message) error { panic(errNoStock) },
	"goexit": func(context.Context, *bus.Message) error { runtime.Goexit(); return nil },
}

// apart calls f in a goroutine of its own, which f may end, and returns what it panicked with.
func apart(f func()) (panicked any) {
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		f()
	}()
	return <-done
}

// publishing is message for an event on its way to its topic.
func publishing() *bus.Message { return messageOf(bus.RolePublisher, "two pencils", topic.Metadata{}) }

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

// checkRefused checks that a bus refuses the middleware on both sides because of one of its options, and returns the value that the error tells.
func checkRefused(t *testing.T, m bus.Middleware, field string) (value any) {
	t.Helper()
	for _, o := range []*bus.Options{{Subscribe: []bus.Middleware{m}}, {Publish: []bus.Middleware{m}}} {
		b, err := bus.New(o)
		var bad *bus.OptionError
		if !errors.As(err, &bad) || bad.Field != field || bad.Limit == "" {
			t.Errorf("bus.New returned %v, want an error of %s", err, field)
		} else {
			value = bad.Value
		}
		if err == nil {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	return value
}

// allocations returns how often memory is allocated for a call of a handler that returns err. Who calls it is not parallel, as the allocations of
// other tests would count.
func allocations(t *testing.T, m *bus.Message, err error, chain ...bus.Middleware) float64 {
	t.Helper()
	ctx := t.Context()
	h := bus.Chain(func(context.Context, *bus.Message) error { return err }, chain...)
	return testing.AllocsPerRun(100, func() {
		if got := h(ctx, m); (got == nil) != (err == nil) {
			t.Errorf("got %v", got)
		}
	})
}
