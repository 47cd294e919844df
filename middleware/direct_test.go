package middleware_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
)

// messageOf returns the message of an event in the chain of a party with the given role, for handlers that are called without a bus.
func messageOf(role bus.Role, value string, about topic.Metadata) *bus.Message {
	e := topic.NewEvent(value, about)
	m := bus.NewMessage(&bus.Party{Role: role, Name: about.Topic}, codec.String)
	m.Reset(e.Meta(), &e, &e.Value)
	return m
}

// order returns the message of an event with an ID, as subscribers get it.
func order(id string) *bus.Message {
	return messageOf(bus.RoleSubscriber, "two pencils", topic.Metadata{Topic: "orders.created", ID: id})
}

// returning returns a handler that counts its calls and returns err.
func returning(calls *int, err error) bus.Handler {
	return func(context.Context, *bus.Message) error {
		*calls++
		return err
	}
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

// abruptly are handlers that do not return.
var abruptly = map[string]bus.Handler{
	"panic":  func(context.Context, *bus.Message) error { panic(errNoStock) },
	"goexit": func(context.Context, *bus.Message) error { runtime.Goexit(); return nil },
}

// checkRefused checks that a bus refuses the middleware for one of its options.
func checkRefused(t *testing.T, m bus.Middleware, field string) {
	t.Helper()
	for _, o := range []*bus.Options{{Subscribe: []bus.Middleware{m}}, {Publish: []bus.Middleware{m}}} {
		b, err := bus.New(o)
		var bad *bus.OptionError
		if !errors.As(err, &bad) || bad.Field != field {
			t.Errorf("bus.New returned %v, want an error of %s", err, field)
		}
		if err == nil {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// checkPhase checks where a middleware stands.
func checkPhase(t *testing.T, m bus.Middleware, name string, phase bus.Phase, attempts int) {
	t.Helper()
	if m.Name != name || m.Phase != phase || m.Attempts != attempts || m.Err != nil {
		t.Errorf("%q in phase %v with %d attempts, %v; want %q in phase %v with %d", m.Name, m.Phase, m.Attempts, m.Err, name, phase, attempts)
	}
}
