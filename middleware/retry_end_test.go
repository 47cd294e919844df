package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestRetryEndsWithItsContext has one that ends in a wait, and one that ends in an attempt.
func TestRetryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limit, took time.Duration
		want        string
		deadline    bool // the error is the context's as well
	}{
		"in the first wait":  {50 * time.Millisecond, 50 * time.Millisecond, "no stock left; the wait for another attempt has ended: context deadline exceeded", true},
		"in the second wait": {1150 * time.Millisecond, 1150 * time.Millisecond, "no stock left; the wait for another attempt has ended: context deadline exceeded", true},
		"in an attempt":      {time.Millisecond, 0, "no stock left", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tc.limit)
				defer cancel()
				begin := time.Now()
				err := call(ctx, func(ctx context.Context) error {
					if !tc.deadline {
						<-ctx.Done()
					}
					return errNoStock
				}, middleware.Retry(&middleware.RetryOptions{Initial: time.Second, Jitter: never}))
				took, want := tc.took, tc.want
				if !tc.deadline {
					took = tc.limit
				}
				if took > time.Second {
					want = "after 2 attempts: " + want
				}
				if text(err) != want || !errors.Is(err, errNoStock) || errors.Is(err, context.DeadlineExceeded) != tc.deadline {
					t.Errorf("got %v, want %s", err, want)
				}
				if got := time.Since(begin); got != took {
					t.Errorf("took %v, want %v", got, took)
				}
			})
		})
	}
}

// TestRetryEndsWithTheBus closes a bus while a handler waits for its next attempt.
func TestRetryEndsWithTheBus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Logger: &log})
		handle(t, b, func(string) error { return errNoStock }, middleware.Retry(&middleware.RetryOptions{Initial: time.Hour, Jitter: never}))
		if err := publish(t, b, "first"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		begin := time.Now()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		<-b.Done()
		const want = "no stock left; the wait for another attempt has ended: context canceled"
		if entries := logged(); time.Since(begin) != 0 || len(entries) != 1 || entries[0].Error != want {
			t.Errorf("after %v: log %+v", time.Since(begin), entries)
		}
	})
}

// TestRetryLetsPanicsPass checks that an attempt that does not return is the last one, and that the next event is nothing but the next one.
func TestRetryLetsPanicsPass(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(){"panic": func() { panic(errNoStock) }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				attempts := 0
				sub := handle(t, b, func(value string) error {
					if attempts++; value == "first" {
						leave()
					}
					return nil
				}, middleware.Retry(nil))
				for _, value := range []string{"first", "second"} {
					if err := publish(t, b, value); err != nil {
						t.Error(err)
					}
				}
				synctest.Wait()
				if s := sub.Stats(); attempts != 2 || s.Failed != 1 || s.Succeeded != 1 {
					t.Errorf("%d attempts, stats %+v", attempts, s)
				}
			})
		})
	}
}

// TestRetryRestoresTheMessage has a middleware inside that wraps the payload, and would wrap it again.
func TestRetryRestoresTheMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrap := bus.Wrap("wrap", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				payload, err := m.Payload()
				if err != nil {
					return err
				}
				m.SetPayload([]byte(`"<` + string(payload[1:len(payload)-1]) + `>"`))
				if err := m.SetHeader("wrapped", m.Header("wrapped")+"x"); err != nil {
					return err
				}
				return next(ctx, m)
			}
		})
		b := bustest.New(t)
		var got []string
		handle(t, b, func(value string) error {
			got = append(got, value)
			return errNoStock
		}, bus.Wrap("check", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				err := next(ctx, m)
				payload, failed := m.Payload()
				if failed != nil || string(payload) != `"pens"` || m.Header("wrapped") != "" || m.Attempt() != 3 {
					t.Errorf("%s, %v, header %q, attempt %d are left", payload, failed, m.Header("wrapped"), m.Attempt())
				}
				return err
			}
		}), middleware.Retry(nil), wrap)
		if err := publish(t, b, "pens"); err != nil {
			t.Fatal(err)
		}
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if len(got) != 3 || got[0] != "<pens>" || got[1] != "<pens>" || got[2] != "<pens>" {
			t.Errorf("the attempts got %v", got)
		}
	})
}

// TestRetryPublishes tries a publish again, which is numbered once.
func TestRetryPublishes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		sub := handle(t, b, func(string) error { return nil })
		var seqs []uint64
		fail := bus.Wrap("fail", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				if seqs = append(seqs, m.Seq()); m.Attempt() < 3 {
					return errNoStock
				}
				return next(ctx, m)
			}
		})
		if err := publish(t, b, "first", middleware.Retry(nil), fail); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if s := sub.Stats(); s.Succeeded != 1 || len(seqs) != 3 || seqs[2] != 0 {
			t.Errorf("stats %+v, numbers %v", s, seqs)
		}
	})
}

func TestRetryHook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type retry struct {
			attempt int
			err     error
			wait    time.Duration
		}
		var got []retry
		m := middleware.Retry(&middleware.RetryOptions{Jitter: never, OnRetry: func(ctx context.Context, m *bus.Message, err error, wait time.Duration) {
			if ctx != t.Context() {
				t.Error("it is another context")
			}
			got = append(got, retry{m.Attempt(), err, wait})
		}})
		if err := call(t.Context(), func(context.Context) error { return errNoStock }, m); !errors.Is(err, errNoStock) {
			t.Errorf("got %v", err)
		}
		want := []retry{{1, errNoStock, 100 * time.Millisecond}, {2, errNoStock, 200 * time.Millisecond}}
		if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("the hook was told of %v, want %v", got, want)
		}
	})
}

func TestRetryOptions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		options middleware.RetryOptions
		field   string
		value   any
	}{
		{middleware.RetryOptions{Initial: -1}, "Initial", time.Duration(-1)},
		{middleware.RetryOptions{Initial: 8761 * time.Hour}, "Initial", 8761 * time.Hour},
		{middleware.RetryOptions{Initial: 2, Max: 1}, "Initial", time.Duration(2)},
		{middleware.RetryOptions{Max: -1}, "Max", time.Duration(-1)},
		{middleware.RetryOptions{Max: math.MaxInt64}, "Max", time.Duration(math.MaxInt64)},
		{middleware.RetryOptions{Multiplier: 0.5}, "Multiplier", 0.5},
		{middleware.RetryOptions{Multiplier: -1}, "Multiplier", -1.0},
		{middleware.RetryOptions{Multiplier: math.Inf(1)}, "Multiplier", math.Inf(1)},
		{middleware.RetryOptions{Multiplier: math.NaN()}, "Multiplier", math.NaN()},
		{middleware.RetryOptions{Jitter: 1.5}, "Jitter", 1.5},
		{middleware.RetryOptions{Jitter: math.NaN()}, "Jitter", math.NaN()},
		{middleware.RetryOptions{MaxElapsed: -1}, "MaxElapsed", time.Duration(-1)},
	} {
		if got := checkRefused(t, middleware.Retry(&tc.options), "middleware.RetryOptions."+tc.field); fmt.Sprint(got) != fmt.Sprint(tc.value) {
			t.Errorf("%s: the value is %v, want %v", tc.field, got, tc.value)
		}
	}
	for given, want := range map[int]int{0: 3, 1: 1, 7: 7, -1: -1, -9: -1} {
		if m := middleware.Retry(&middleware.RetryOptions{Attempts: given}); m.Attempts != want || m.Err != nil {
			t.Errorf("Attempts %d: %d, %v, want %d", given, m.Attempts, m.Err, want)
		}
	}
	options := middleware.RetryOptions{Attempts: 2}
	m := middleware.Retry(&options)
	options.Retryable = func(error) bool { t.Error("options that were changed later are used"); return false }
	synctest.Test(t, func(t *testing.T) {
		msg := message(topic.Metadata{})
		if err := bus.Chain(func(context.Context, *bus.Message) error { return errNoStock }, m)(t.Context(), msg); msg.Attempt() != 2 {
			t.Errorf("attempt %d: %v", msg.Attempt(), err)
		}
	})
}
