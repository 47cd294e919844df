package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

const never = -1 // no jitter

// asking is an error with a wish for the next wait.
func asking(d time.Duration) error {
	return errors.Join(errNoStock, &backoff.RetryAfterError{Duration: d})
}

// TestRetryWaits checks when each attempt begins, and with what the last one ends.
func TestRetryWaits(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	for name, tc := range map[string]struct {
		options *middleware.RetryOptions // jitter is never
		fail    func(attempt int) error  // nil: always
		begun   []time.Duration
		want    string
	}{
		"defaults":     {&middleware.RetryOptions{}, nil, []time.Duration{0, 100 * ms, 300 * ms}, "after 3 attempts: no stock left"},
		"first":        {&middleware.RetryOptions{}, failing(0), []time.Duration{0}, ""},
		"second":       {&middleware.RetryOptions{}, failing(1), []time.Duration{0, 100 * ms}, ""},
		"last":         {&middleware.RetryOptions{}, failing(2), []time.Duration{0, 100 * ms, 300 * ms}, ""},
		"one":          {&middleware.RetryOptions{Attempts: 1}, nil, []time.Duration{0}, "no stock left"},
		"no limit":     {&middleware.RetryOptions{Attempts: -7, Initial: 1, Max: 1}, failing(500), nil, ""},
		"constant":     {&middleware.RetryOptions{Multiplier: 1}, nil, []time.Duration{0, 100 * ms, 200 * ms}, "after 3 attempts: no stock left"},
		"maximum":      {&middleware.RetryOptions{Attempts: 5, Initial: 3 * ms, Max: 5 * ms}, nil, []time.Duration{0, 3 * ms, 8 * ms, 13 * ms, 18 * ms}, "after 5 attempts: no stock left"},
		"below":        {&middleware.RetryOptions{Max: 5 * ms}, nil, []time.Duration{0, 5 * ms, 10 * ms}, "after 3 attempts: no stock left"},
		"above":        {&middleware.RetryOptions{Initial: time.Minute}, nil, []time.Duration{0, time.Minute, 2 * time.Minute}, "after 3 attempts: no stock left"},
		"elapsed":      {&middleware.RetryOptions{Attempts: 9, MaxElapsed: 700 * ms}, nil, []time.Duration{0, 100 * ms, 300 * ms, 700 * ms}, "after 4 attempts: no stock left"},
		"elapsed once": {&middleware.RetryOptions{MaxElapsed: 99 * ms}, nil, []time.Duration{0}, "no stock left"},
		"asks": {&middleware.RetryOptions{}, func(n int) error { return asking(time.Duration(n) * time.Hour) },
			[]time.Duration{0, time.Hour, 3 * time.Hour}, "after 3 attempts: no stock left\nretry after 3h0m0s"},
		"asks for less":     {&middleware.RetryOptions{}, func(int) error { return asking(-time.Hour) }, []time.Duration{0, 0, 0}, "after 3 attempts: no stock left\nretry after -1h0m0s"},
		"asks for too much": {&middleware.RetryOptions{MaxElapsed: time.Hour}, func(int) error { return asking(math.MaxInt64) }, []time.Duration{0}, text(asking(math.MaxInt64))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tc.options.Jitter = never
				tc.options.OnRetry = func(_ context.Context, _ *bus.Message, _ error, wait time.Duration) {
					if wait < 0 {
						t.Errorf("a wait of %v", wait)
					}
				}
				fail := tc.fail
				if fail == nil {
					fail = func(int) error { return errNoStock }
				}
				var begun []time.Duration
				begin := time.Now()
				m := message(topic.Metadata{})
				err := bus.Chain(func(_ context.Context, m *bus.Message) error {
					begun = append(begun, time.Since(begin))
					if m.Attempt() != len(begun) {
						t.Errorf("it is attempt %d, the message says %d", len(begun), m.Attempt())
					}
					return fail(m.Attempt())
				}, middleware.Retry(tc.options))(t.Context(), m)
				if text(err) != tc.want || tc.want != "" && !errors.Is(err, errNoStock) {
					t.Errorf("got %v, want %s", err, tc.want)
				}
				if tc.begun != nil && !slices.Equal(begun, tc.begun) {
					t.Errorf("attempts after %v, want %v", begun, tc.begun)
				}
				if m.Attempt() != len(begun) {
					t.Errorf("after %d attempts the message says %d", len(begun), m.Attempt())
				}
			})
		})
	}
}

// failing returns the errors of a handler whose first n attempts fail.
func failing(n int) func(attempt int) error {
	return func(attempt int) error {
		if attempt <= n {
			return errNoStock
		}
		return nil
	}
}

// TestRetryJitter checks the limits of random waits, and that they are random.
func TestRetryJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		found := map[time.Duration]bool{}
		note := func(_ context.Context, _ *bus.Message, _ error, wait time.Duration) {
			if wait < 50*time.Millisecond || wait > 150*time.Millisecond+1 {
				t.Errorf("a wait of %v", wait)
			}
			found[wait] = true
		}
		m := middleware.Retry(&middleware.RetryOptions{Attempts: 100, Multiplier: 1, OnRetry: note})
		if err := call(t.Context(), func(context.Context) error { return errNoStock }, m); !errors.Is(err, errNoStock) {
			t.Errorf("got %v", err)
		}
		if len(found) < 50 {
			t.Errorf("%d different waits among 99", len(found))
		}
	})
}

// TestRetryable checks which errors are not tried again, and that those come back as they are.
func TestRetryable(t *testing.T) {
	t.Parallel()
	always := &middleware.RetryOptions{Retryable: func(error) bool { return true }, Jitter: never}
	only := &middleware.RetryOptions{Retryable: func(err error) bool { return errors.Is(err, errNoStock) }, Jitter: never}
	inline := &bus.InlineError{Topic: "orders.created", Err: errNoStock}
	others := &bus.InlineError{Topic: "orders.billed", Err: errNoStock} // of what the handler has published
	decode := &bus.DecodeError{Err: errNoStock}
	other := errors.New("other")
	for name, tc := range map[string]struct {
		options *middleware.RetryOptions
		err     error
		want    int
	}{
		"any":                    {nil, errNoStock, 3},
		"filtered":               {nil, fmt.Errorf("no pens: %w", bus.ErrFiltered), 1},
		"inline":                 {nil, errors.Join(inline, inline), 1},
		"another's inline error": {nil, others, 3},
		"decode":                 {nil, decode, 1},
		"closed":                 {nil, fmt.Errorf("publish: %w", bus.ErrClosed), 1},
		"permanent":              {nil, fmt.Errorf("stock: %w", middleware.Permanent(errNoStock)), 1},
		"permanent of backoff":   {nil, backoff.Permanent(errNoStock), 1},
		"full":                   {nil, bus.ErrFull, 3},
		"panic":                  {nil, &bus.PanicError{Value: errNoStock}, 3},
		"always any":             {always, decode, 3},
		"always closed":          {always, bus.ErrClosed, 3},
		"always filtered":        {always, bus.ErrFiltered, 1},
		"always inline":          {always, inline, 1},
		"always permanent":       {always, middleware.Permanent(errNoStock), 1},
		"only one, that":         {only, errNoStock, 3},
		"only one, another one":  {only, other, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				err := bus.Chain(returning(&attempts, tc.err), middleware.Retry(tc.options))(t.Context(), publishing())
				if attempts != tc.want || !errors.Is(err, tc.err) || (err == tc.err) != (tc.want == 1) {
					t.Errorf("%d attempts, want %d; got %v", attempts, tc.want, err)
				}
			})
		})
	}
}

// TestRetryOfHandlers has a handler that returns what its own publish to the same topic has told: its event was not dealt with.
func TestRetryOfHandlers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		err := call(t.Context(), func(context.Context) error {
			attempts++
			return &bus.InlineError{Topic: "orders.created", Err: errNoStock}
		}, middleware.Retry(nil))
		if attempts != 3 || !errors.Is(err, errNoStock) {
			t.Errorf("%d attempts, %v", attempts, err)
		}
	})
}

// TestRetrySettledLater has a second attempt after which nothing is to be said of attempts.
func TestRetrySettledLater(t *testing.T) {
	t.Parallel()
	for _, want := range []error{bus.ErrFiltered, &bus.InlineError{Topic: "orders.created", Err: errNoStock}} {
		synctest.Test(t, func(t *testing.T) {
			attempts := 0
			err := bus.Chain(func(context.Context, *bus.Message) error {
				if attempts++; attempts == 1 {
					return errNoStock
				}
				return want
			}, middleware.Retry(nil))(t.Context(), publishing())
			if attempts != 2 || err != want {
				t.Errorf("%d attempts, got %v, want %v", attempts, err, want)
			}
		})
	}
}

func TestPermanentLeavesNil(t *testing.T) {
	t.Parallel()
	if err := middleware.Permanent(nil); err != nil {
		t.Errorf("got %v", err)
	}
	if err := middleware.Permanent(errNoStock); !errors.Is(err, errNoStock) || err.Error() != errNoStock.Error() {
		t.Errorf("got %v", err)
	}
}

// TestRetryOnASubscription has a bus where the handler succeeds at last, and one where it does not.
func TestRetryOnASubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Logger: &log})
		attempts := map[string]int{}
		sub := handle(t, b, func(value string) error {
			if attempts[value]++; value == "good" && attempts[value] == 3 {
				return nil
			}
			panic(errNoStock)
		}, middleware.Retry(nil), middleware.Recover())
		for _, value := range []string{"good", "bad"} {
			if err := publish(t, b, value); err != nil {
				t.Error(err)
			}
		}
		if err := b.Shutdown(t.Context()); err != nil { // waits for the handlers
			t.Error(err)
		}
		s, entries := sub.Stats(), logged()
		if s.Succeeded != 1 || s.Failed != 1 || attempts["good"] != 3 || attempts["bad"] != 3 {
			t.Errorf("stats %+v, attempts %v", s, attempts)
		}
		if len(entries) != 1 || entries[0].Error != "after 3 attempts: bus: panic in handler: no stock left" {
			t.Errorf("log %+v", entries)
		}
	})
}

// TestRetryAllocations has a success, which is to cost nothing.
func TestRetryAllocations(t *testing.T) { // not parallel: it counts allocations
	for _, o := range []*middleware.RetryOptions{nil, {MaxElapsed: time.Hour, OnRetry: func(context.Context, *bus.Message, error, time.Duration) {}}} {
		if n := allocations(t, message(topic.Metadata{}), nil, middleware.Retry(o)); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}
