package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

var orders = topic.New[string]("orders.created")

// entry is one line of a log.
type entry struct {
	Level   string
	Message string
	Topic   string
	Seq     uint64
	Took    *float64 // milliseconds
	Error   string
	Inline  string // of a dead letter
	Ignored int
	Role    string
	Attempt int
}

// logger returns a logger, and a function that returns what it has logged.
func logger(t *testing.T) (zerolog.Logger, func() []entry) {
	var buf bytes.Buffer
	return zerolog.New(zerolog.SyncWriter(&buf)), func() (entries []entry) {
		t.Helper()
		for line := range strings.Lines(buf.String()) {
			var e entry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			entries = append(entries, e)
		}
		return entries
	}
}

// publish publishes one value on b.
func publish(t *testing.T, b *bus.Bus, value string, chain ...bus.Middleware) error {
	t.Helper()
	pub, err := publisher.New(b, orders, &publisher.Options{Middleware: chain})
	if err != nil {
		t.Fatal(err)
	}
	return pub.Publish(t.Context(), value)
}

// handle subscribes handler on b.
func handle(t *testing.T, b *bus.Bus, handler func(value string) error, chain ...bus.Middleware) *subscriber.Subscription {
	t.Helper()
	sub, err := subscriber.New(b, orders, func(_ context.Context, e topic.Event[string]) error { return handler(e.Value) },
		&subscriber.Options{Middleware: chain})
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// ask serves a call on b with handler, and asks for the reply.
func ask(t *testing.T, b *bus.Bus, handler func() (string, error)) (string, error) {
	t.Helper()
	price := request.NewCall[string, string]("shop.price")
	if _, err := request.Serve(b, price, func(context.Context, string) (string, error) { return handler() }, nil); err != nil {
		t.Fatal(err)
	}
	client, err := request.NewClient(b, price, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client.Do(t.Context(), "two pencils")
}

// trace returns middleware that notes when it is entered and left.
func trace(notes *[]string, names ...string) (chain []bus.Middleware) {
	for _, name := range names {
		chain = append(chain, bus.Wrap(name, func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				*notes = append(*notes, name)
				defer func() { *notes = append(*notes, "/"+name) }()
				return next(ctx, m)
			}
		}))
	}
	return chain
}

// TestOrder checks that the first of a list is outermost, and that the bus's list is outside of the publisher's and the
// subscription's.
func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var published, handled []string // the handler runs in a goroutine of its own, beside Publish
		b := bustest.New(t, &bus.Options{Publish: trace(&published, "a", "b"), Subscribe: trace(&handled, "a", "b")})
		handle(t, b, func(value string) error {
			handled = append(handled, value)
			return nil
		}, trace(&handled, "c", "d")...)
		if err := publish(t, b, "handler", trace(&published, "c", "d")...); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got, want := strings.Join(published, " "), "a b c d /d /c /b /a"; got != want {
			t.Errorf("publish: got %s, want %s", got, want)
		}
		if got, want := strings.Join(handled, " "), "a b c d handler /d /c /b /a"; got != want {
			t.Errorf("subscribe: got %s, want %s", got, want)
		}
	})
}

// TestLogSeesWhatRecoverMade is the example of the package's documentation, on both sides of a bus.
func TestLogSeesWhatRecoverMade(t *testing.T) {
	t.Parallel()
	want := []entry{{Level: "error", Message: "event failed", Topic: "orders.created", Error: "bus: panic in handler: no stock left"}}
	fail := bus.Wrap("fail", func(bus.Handler) bus.Handler {
		return func(context.Context, *bus.Message) error { panic("no stock left") }
	})
	check := func(t *testing.T, got []entry) {
		t.Helper()
		for i := range got {
			got[i].Seq, got[i].Took, got[i].Role = 0, nil, ""
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	t.Run("publish", func(t *testing.T) {
		t.Parallel()
		log, logged := logger(t)
		err := publish(t, bustest.New(t), "first", middleware.Log(log, nil), middleware.Recover(), fail)
		if panicked := (*bus.PanicError)(nil); !errors.As(err, &panicked) {
			t.Errorf("Publish returned %v", err)
		}
		check(t, logged())
	})
	t.Run("subscribe", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			log, logged := logger(t)
			b := bustest.New(t)
			sub := handle(t, b, func(string) error { return nil }, middleware.Log(log, nil), middleware.Recover(), fail)
			if err := publish(t, b, "first"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			check(t, logged())
			if s := sub.Stats(); s.Failed != 1 {
				t.Errorf("stats %+v", s)
			}
		})
	})
}
