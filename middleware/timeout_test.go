package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

const late = "middleware: not done within 1s: "

func TestTimeout(t *testing.T) {
	t.Parallel()
	wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, tc := range map[string]struct {
		limit  time.Duration // of the given context; 0: none
		handle func(ctx context.Context) error
		took   time.Duration
		want   string // "": nil
	}{
		"quick":                    {0, func(context.Context) error { return nil }, 0, ""},
		"waits":                    {0, wait, time.Second, late + "context deadline exceeded"},
		"wraps":                    {0, func(ctx context.Context) error { return fmt.Errorf("stock: %w", wait(ctx)) }, time.Second, late + "stock: context deadline exceeded"},
		"waits with a derived one": {0, func(ctx context.Context) error { return within(ctx, time.Minute, wait) }, time.Second, late + "context deadline exceeded"},
		"looks":                    {0, func(ctx context.Context) error { <-time.After(2 * time.Second); return ctx.Err() }, 2 * time.Second, late + "context deadline exceeded"},
		"late success":             {0, func(context.Context) error { <-time.After(time.Minute); return nil }, time.Minute, ""},
		"late failure":             {0, func(context.Context) error { <-time.After(time.Minute); return errNoStock }, time.Minute, "no stock left"},
		"limit of its own":         {0, func(ctx context.Context) error { return within(ctx, time.Millisecond, wait) }, time.Millisecond, "context deadline exceeded"},
		"the caller's limit":       {time.Millisecond, wait, time.Millisecond, "context deadline exceeded"},
		"the caller's, later":      {2 * time.Second, wait, time.Second, late + "context deadline exceeded"},
		"the caller's, both over":  {time.Millisecond, func(ctx context.Context) error { <-time.After(time.Minute); return ctx.Err() }, time.Minute, "context deadline exceeded"},
		"filtered":                 {0, func(context.Context) error { <-time.After(time.Minute); return bus.ErrFiltered }, time.Minute, "bus: event not wanted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tc.limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.limit)
					defer cancel()
				}
				begin := time.Now()
				err := call(ctx, tc.handle, middleware.Timeout(time.Second))
				if took := time.Since(begin); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
				if got := text(err); got != tc.want {
					t.Errorf("got %s, want %s", got, tc.want)
				}
				if deadline := tc.want != "" && tc.want[len(tc.want)-8:] == "exceeded"; errors.Is(err, context.DeadlineExceeded) != deadline {
					t.Errorf("%v is a deadline: %t, want %t", err, !deadline, deadline)
				}
			})
		})
	}
}

// within calls f with a context that ends after d.
func within(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f(ctx)
}

// TestTimeoutEndsItsContext checks that what an attempt has left behind ends with it, however it ends.
func TestTimeoutEndsItsContext(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(){
		"return": func() {},
		"panic":  func() { panic(errNoStock) },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var kept context.Context
				var panicked any
				go func() {
					defer func() { panicked = recover() }()
					_ = call(t.Context(), func(ctx context.Context) error {
						kept = ctx
						leave()
						return nil
					}, middleware.Timeout(time.Second))
				}()
				synctest.Wait()
				if (panicked == any(errNoStock)) != (name == "panic") {
					t.Errorf("it has panicked with %v", panicked)
				}
				if kept.Err() != context.Canceled {
					t.Errorf("the context has ended with %v", kept.Err())
				}
				<-kept.Done()
			})
		})
	}
}

// TestTimeoutOnBothSides has a handler and a publish that wait for more than they may.
func TestTimeoutOnBothSides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Logger: &log})
		wait := bus.Wrap("wait", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Minute):
					return next(ctx, m)
				}
			}
		})
		sub := handle(t, b, func(string) error { return nil }, middleware.Timeout(time.Second), wait)
		if err := publish(t, b, "first"); err != nil {
			t.Error(err)
		}
		if err := publish(t, b, "second", middleware.Timeout(time.Second), wait); text(err) != late+"context deadline exceeded" {
			t.Errorf("Publish returned %v", err)
		}
		synctest.Wait()
		entries := logged()
		if s := sub.Stats(); s.Failed != 1 || len(entries) != 1 || entries[0].Error != late+"context deadline exceeded" {
			t.Errorf("stats %+v, log %+v", s, entries)
		}
	})
}

func TestTimeoutRefusesOptions(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{0, -time.Second} {
		checkRefused(t, middleware.Timeout(d), "middleware.Timeout d")
	}
}

// TestTimeoutAllocations is not parallel: it counts allocations.
func TestTimeoutAllocations(t *testing.T) {
	if n := allocations(t, message(topic.Metadata{}), nil, middleware.Timeout(time.Hour)); n > 1 {
		t.Errorf("%v allocations", n)
	}
	ctx, msg := t.Context(), message(topic.Metadata{})
	h := bus.Chain(func(ctx context.Context, _ *bus.Message) error {
		ctx.Done()
		return ctx.Err()
	}, middleware.Timeout(time.Hour))
	if n := testing.AllocsPerRun(100, func() {
		if err := h(ctx, msg); err != nil {
			t.Error(err)
		}
	}); n > 2 {
		t.Errorf("%v allocations where the handler waits", n)
	}
}
