package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/sony/gobreaker/v2"
)

func TestCircuitBreakerOpensAndCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		m := middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{
			Name: "stock", Failures: 2, Open: time.Minute, HalfOpen: 2,
			OnChange: func(from, to middleware.CircuitState) { changes = append(changes, fmt.Sprintf("%v to %v", from, to)) },
		})
		calls := 0
		var result error
		h := bus.Chain(func(context.Context, *bus.Message) error { calls++; return result }, m)
		call := func(returned, want error, reached bool) {
			t.Helper()
			before := calls
			result = returned
			if err := h(t.Context(), order("7")); !errors.Is(err, want) || want == nil && err != nil || calls > before != reached {
				t.Errorf("got %v, handler called: %t; want %v, %t", err, calls > before, want, reached)
			}
		}
		call(errNoStock, errNoStock, true)
		call(nil, nil, true) // a success in between
		call(errNoStock, errNoStock, true)
		call(errNoStock, errNoStock, true)
		call(nil, middleware.ErrOpen, false)
		call(nil, gobreaker.ErrOpenState, false)
		if err := h(t.Context(), order("7")); err.Error() != "middleware: call not let through: stock: circuit breaker is open" {
			t.Error(err)
		}
		time.Sleep(time.Minute + 1)
		call(errNoStock, errNoStock, true) // the trial fails
		call(nil, middleware.ErrOpen, false)
		time.Sleep(time.Minute + 1)
		call(nil, nil, true)
		call(errNoStock, errNoStock, true) // the second trial fails
		call(nil, middleware.ErrOpen, false)
		time.Sleep(time.Minute + 1)
		call(nil, nil, true)
		call(nil, nil, true) // so many that it closes
		call(errNoStock, errNoStock, true)
		call(nil, nil, true)
		want := []string{"closed to open", "open to half-open", "half-open to open", "open to half-open", "half-open to open", "open to half-open", "half-open to closed"}
		if !slices.Equal(changes, want) {
			t.Errorf("changes %q, want %q", changes, want)
		}
	})
}

// TestCircuitBreakerDefaults checks that it opens after 5 failures, for 30 s, and then lets one call through at a time.
func TestCircuitBreakerDefaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := middleware.CircuitBreaker(nil)
		calls := 0
		h := bus.Chain(returning(&calls, errNoStock), m)
		for range 10 {
			_ = h(t.Context(), order("7"))
		}
		if calls != 5 {
			t.Errorf("it opened after %d calls", calls)
		}
		time.Sleep(30 * time.Second)
		if err := h(t.Context(), order("7")); !errors.Is(err, middleware.ErrOpen) {
			t.Errorf("after 30 s: %v", err)
		}
		time.Sleep(time.Nanosecond)
		release := make(chan struct{})
		trial := bus.Chain(func(context.Context, *bus.Message) error { <-release; return nil }, m) // another chain
		go func() { _ = trial(t.Context(), order("8")) }()
		synctest.Wait()
		if err := h(t.Context(), order("7")); !errors.Is(err, middleware.ErrOpen) || !errors.Is(err, gobreaker.ErrTooManyRequests) || calls != 5 {
			t.Errorf("beside the trial call: %v", err)
		}
		close(release)
		synctest.Wait()
		if err := h(t.Context(), order("7")); !errors.Is(err, errNoStock) {
			t.Errorf("after the trial call: %v", err)
		}
	})
}

// TestCircuitBreakerCounts checks which results are failures: with one after another of them it opens, or does not.
func TestCircuitBreakerCounts(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	notStock := func(err error) bool { return !errors.Is(err, errNoStock) }
	for name, tc := range map[string]struct {
		ctx     context.Context
		result  error
		failure func(error) bool
		opens   bool
	}{
		"success":                {t.Context(), nil, nil, false},
		"error":                  {t.Context(), errNoStock, nil, true},
		"filtered":               {t.Context(), fmt.Errorf("not ours: %w", bus.ErrFiltered), nil, false},
		"filtered, own function": {t.Context(), bus.ErrFiltered, notStock, false},
		"delivered":              {t.Context(), &bus.InlineError{Topic: "orders.created", Err: errNoStock}, nil, false},
		"another's inline error": {t.Context(), &bus.InlineError{Topic: "orders.billed", Err: errNoStock}, nil, true},
		"cancelled":              {cancelled, context.Canceled, nil, false},
		"cancelled further in":   {t.Context(), context.Canceled, nil, true},
		"too late":               {t.Context(), context.DeadlineExceeded, nil, true},
		"no failure":             {t.Context(), errNoStock, notStock, false},
		"failure":                {t.Context(), context.DeadlineExceeded, notStock, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			h := bus.Chain(returning(&calls, tc.result), middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{Failures: 2, Failure: tc.failure}))
			for range 3 {
				_ = h(tc.ctx, publishing())
			}
			if opens := calls == 2; opens != tc.opens {
				t.Errorf("%d of 3 calls were made", calls)
			}
		})
	}
}

// TestCircuitBreakerCountsWhatDoesNotReturn has trial calls that panic or end their goroutine: others may follow.
func TestCircuitBreakerCountsWhatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, handler := range abruptly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{Failures: 1})
				h := bus.Chain(handler, m)
				for range 3 {
					apart(func() { _ = h(t.Context(), order("7")) })
					if err := h(t.Context(), order("7")); !errors.Is(err, gobreaker.ErrOpenState) {
						t.Errorf("afterwards: %v", err)
					}
					time.Sleep(31 * time.Second)
				}
				calls := 0
				if err := bus.Chain(returning(&calls, nil), m)(t.Context(), order("7")); err != nil || calls != 1 {
					t.Errorf("the next trial call: %v", err)
				}
			})
		})
	}
}

// TestCircuitBreakerHookMayUseIt has a hook that calls through the circuit breaker, and one that panics.
func TestCircuitBreakerHookMayUseIt(t *testing.T) {
	t.Parallel()
	var h bus.Handler
	var inHook error
	h = bus.Chain(returning(new(int), errNoStock), middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{
		Failures: 1,
		OnChange: func(middleware.CircuitState, middleware.CircuitState) {
			inHook = h(t.Context(), order("8"))
			panic("hook")
		},
	}))
	if panicked := apart(func() { _ = h(t.Context(), order("7")) }); panicked != any("hook") || !errors.Is(inHook, middleware.ErrOpen) {
		t.Errorf("panicked with %v; in the hook: %v", panicked, inHook)
	}
	if err := h(t.Context(), order("7")); !errors.Is(err, middleware.ErrOpen) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestCircuitBreakerTellsInOrder has many calls that change the state at once.
func TestCircuitBreakerTellsInOrder(t *testing.T) {
	t.Parallel()
	state, told := middleware.CircuitClosed, 0
	var calls atomic.Uint64
	h := bus.Chain(func(context.Context, *bus.Message) error {
		if calls.Add(1)%3 == 0 {
			return nil
		}
		return errNoStock
	}, middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{
		Failures: 1, Open: 1,
		OnChange: func(from, to middleware.CircuitState) { // one at a time: the race detector watches
			if from != state || from == to {
				t.Errorf("told of %v to %v in state %v", from, to, state)
			}
			state = to
			told++
		},
	}))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				_ = h(t.Context(), order("7"))
			}
		})
	}
	all.Wait()
	if told < 3 {
		t.Errorf("told of %d changes", told)
	}
}

func TestCircuitBreakerOnThePublishSide(t *testing.T) {
	t.Parallel()
	b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{Failures: 1})}})
	refuse := bus.Wrap("refuse", func(bus.Handler) bus.Handler { return returning(new(int), errNoStock) })
	if err := publish(t, b, "first", refuse); !errors.Is(err, errNoStock) {
		t.Error(err)
	}
	if err := publish(t, b, "second"); !errors.Is(err, middleware.ErrOpen) { // another publisher
		t.Error(err)
	}
}

func TestCircuitBreakerOptions(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]middleware.CircuitBreakerOptions{
		"Failures": {Failures: -1},
		"Open":     {Open: -1},
		"HalfOpen": {HalfOpen: -1},
	} {
		checkRefused(t, middleware.CircuitBreaker(&o), "middleware.CircuitBreakerOptions."+field)
	}
	if got := fmt.Sprint(middleware.CircuitClosed, middleware.CircuitHalfOpen, middleware.CircuitOpen, middleware.CircuitState(9)); got != "closed half-open open unknown state 9" {
		t.Errorf("states %s", got)
	}
}

// TestCircuitBreakerSaysWhy checks that what is refused because trial calls are under way says so, in words that no answer of a server has.
func TestCircuitBreakerSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		result := errNoStock
		var h bus.Handler
		var inside error
		h = bus.Chain(func(ctx context.Context, m *bus.Message) error {
			if result == nil {
				inside = h(ctx, m)
			}
			return result
		}, middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{Name: "stock", Failures: 1, Open: time.Minute}))
		if err := h(t.Context(), order("7")); err != errNoStock {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		result = nil
		if err := h(t.Context(), order("7")); err != nil {
			t.Fatal(err)
		}
		const want = "middleware: call not let through: stock: trial calls are under way"
		if inside == nil || !strings.HasPrefix(inside.Error(), want) || !errors.Is(inside, middleware.ErrOpen) {
			t.Errorf("got %v, want %s", inside, want)
		}
	})
}
