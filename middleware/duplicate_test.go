package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

func TestDuplicate(t *testing.T) {
	t.Parallel()
	filtered := fmt.Errorf("known: %w", bus.ErrFiltered)
	for name, tc := range map[string]struct {
		results []error
		want    error // the only one
		calls   int
	}{
		"success":                     {[]error{nil, nil}, nil, 2},
		"the first fails":             {[]error{errNoStock, nil}, errNoStock, 2},
		"the second fails":            {[]error{nil, errNoStock}, errNoStock, 2},
		"filtered":                    {[]error{filtered, nil}, filtered, 1},
		"the second is filtered":      {[]error{nil, filtered}, nil, 2},
		"failed, then it is filtered": {[]error{errNoStock, filtered}, errNoStock, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := bus.Chain(func(context.Context, *bus.Message) error { calls++; return tc.results[calls-1] }, middleware.Duplicate())(t.Context(), order("7"))
			if err != tc.want || calls != tc.calls {
				t.Errorf("%v after %d calls, want %v after %d", err, calls, tc.want, tc.calls)
			}
		})
	}
	results := []error{errNoStock, errNoCustomer}
	err := bus.Chain(func(context.Context, *bus.Message) error { defer func() { results = results[1:] }(); return results[0] },
		middleware.Duplicate())(t.Context(), order("7"))
	if !errors.Is(err, errNoStock) || !errors.Is(err, errNoCustomer) {
		t.Errorf("both fail: %v", err)
	}
}

// TestDuplicateIsTheSame has a handler that changes its message: the second call gets it as it was.
func TestDuplicateIsTheSame(t *testing.T) {
	t.Parallel()
	var got []string
	h := bus.Chain(func(_ context.Context, m *bus.Message) error {
		payload, err := m.Payload()
		got = append(got, fmt.Sprintf("%s %q %s %d", m.ID(), m.Header("a"), payload, m.Attempt()))
		m.SetPayload([]byte("changed"))
		m.SetAttempt(9)
		return errors.Join(err, m.SetHeader("a", "1"))
	}, middleware.Duplicate())
	m := order("7")
	m.SetAttempt(3)
	if err := h(t.Context(), m); err != nil {
		t.Error(err)
	}
	if want := `7 "" two pencils 3, 7 "" two pencils 3`; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

// TestDuplicateAbruptly checks that a call that does not return is not made again.
func TestDuplicateAbruptly(t *testing.T) {
	t.Parallel()
	for name, handler := range abruptly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			h := bus.Chain(func(ctx context.Context, m *bus.Message) error { calls++; return handler(ctx, m) }, middleware.Duplicate())
			apart(func() { _ = h(t.Context(), order("7")) })
			if calls != 1 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

// TestDuplicateOnABus publishes each event twice, and handles each of them twice.
func TestDuplicateOnABus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		got := bustest.Record(t, b, orders)
		calls := 0
		sub := handle(t, b, func(string) error { calls++; return nil }, middleware.Duplicate())
		pub := newPublisher(t, b, middleware.Duplicate(), bus.Wrap("header", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				if err := m.SetHeader("a", m.Header("a")+"1"); err != nil {
					return err
				}
				return next(ctx, m)
			}
		}))
		for _, value := range []string{"first", "second"} {
			if err := pub.Publish(t.Context(), value, publisher.ID(value)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		var events []string
		for _, e := range got.All() {
			events = append(events, fmt.Sprintf("%v id=%s a=%s", e, e.ID(), e.Header("a")))
		}
		want := "orders.created#1 first id=first a=1, orders.created#2 first id=first a=1, orders.created#3 second id=second a=1, orders.created#4 second id=second a=1"
		if strings.Join(events, ", ") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(events, ", "), want)
		}
		if s := sub.Stats(); calls != 8 || s.Succeeded != 4 {
			t.Errorf("%d calls, stats %+v", calls, s)
		}
	})
}

// TestDuplicateReplies has a server that knows a request again: the reply is that of the first call.
func TestDuplicateReplies(t *testing.T) {
	t.Parallel()
	calls := 0
	reply, err := ask(t, bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{middleware.Duplicate()}}), func() (string, error) {
		if calls++; calls == 2 {
			return "", bus.ErrFiltered
		}
		return "two euros", nil
	})
	if reply != "two euros" || err != nil || calls != 2 {
		t.Errorf("after %d calls: %q, %v", calls, reply, err)
	}
}
