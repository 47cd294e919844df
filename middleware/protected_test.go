package middleware_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestProtectedSubscription has everything that keeps a state in one chain without Recover, around a handler that fails, panics, and ends its
// goroutine at random: every event is counted, none succeeds twice, and in the end all places are free.
func TestProtectedSubscription(t *testing.T) {
	t.Parallel()
	const events, ids = 2000, 200
	var successes [ids]atomic.Int64
	count := bus.Wrap("count", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			err := next(ctx, m)
			if n, bad := strconv.Atoi(m.ID()); err == nil && bad == nil {
				successes[n].Add(1)
			}
			return err
		}
	})
	bulkhead := middleware.Bulkhead(2, nil)
	breaker := middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{Failures: 4, Open: 1})
	b := bustest.New(t)
	sub, err := subscriber.New(b, orders, func(context.Context, topic.Event[string]) error {
		switch rand.IntN(6) {
		case 0:
			panic("sometimes")
		case 1:
			runtime.Goexit()
		case 2:
			return errNoStock
		}
		return nil
	}, &subscriber.Options{Workers: 8, Middleware: []bus.Middleware{
		middleware.Upcast(&middleware.UpcastOptions{Current: 1}),
		middleware.Validate(func(context.Context, *bus.Message) error { return nil }),
		middleware.Filter(func(m *bus.Message) bool { return m.ID() != "0" }),
		middleware.Deduplicate(nil), count,
		breaker, middleware.Throttle(1e9, 100), middleware.ThrottleByKey(1e9, 100, nil), bulkhead,
		middleware.Fault(&middleware.FaultOptions{Errors: 0.1, Panics: 0.1}), middleware.Duplicate(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	pub := newPublisher(t, b)
	for i := range events {
		if err := pub.Publish(t.Context(), "two pencils", publisher.ID(strconv.Itoa(i%ids))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	var succeeded int64
	for id := range successes {
		n := successes[id].Load()
		if n > 1 || id == 0 && n > 0 {
			t.Errorf("event %d has succeeded %d times", id, n)
		}
		succeeded += n
	}
	if s := sub.Stats(); s.Matched != events || int64(s.Succeeded) != succeeded || s.Succeeded+s.Failed+s.Filtered != events || succeeded < ids/10 {
		t.Errorf("%d events have succeeded, stats %+v", succeeded, s)
	}
	first, second := occupy(t, bulkhead), occupy(t, bulkhead)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bus.Chain(succeed, bulkhead)(ended, order("7")); !errors.Is(err, context.Canceled) {
		t.Errorf("a third place: %v", err)
	}
	first()
	second()
	for range 2 { // one success closes it, if it is not closed
		if err := bus.Chain(succeed, breaker)(t.Context(), order("7")); err != nil {
			t.Errorf("the circuit breaker: %v", err)
		}
	}
}
