package middleware_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// occupy takes the only place of a bulkhead until the returned function is called.
func occupy(t *testing.T, m bus.Middleware) (release func()) {
	t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	go func() {
		err := bus.Chain(func(context.Context, *bus.Message) error {
			close(entered)
			<-leave
			return nil
		}, m)(t.Context(), order("first"))
		if err != nil {
			t.Error(err)
		}
	}()
	<-entered
	return func() { close(leave) }
}

// TestBulkheadWaits checks how long a call waits for a place, and that it gets the one that is free.
func TestBulkheadWaits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options *middleware.BulkheadOptions
		free    time.Duration // when the place is free
		context time.Duration // when the context ends
		want    error
		text    string
		after   time.Duration
	}{
		"nil options":     {nil, time.Hour, 2 * time.Hour, nil, "", time.Hour},
		"end of context":  {nil, time.Hour, time.Minute, context.DeadlineExceeded, "middleware: waiting for one of the 1 places of the bulkhead: context deadline exceeded", time.Minute},
		"in time":         {&middleware.BulkheadOptions{MaxWait: time.Minute}, time.Second, time.Hour, nil, "", time.Second},
		"too late":        {&middleware.BulkheadOptions{MaxWait: time.Minute}, time.Hour, 2 * time.Hour, middleware.ErrBusy, "middleware: too many calls at the same time: all 1 places of the bulkhead were taken for 1m0s", time.Minute},
		"context first":   {&middleware.BulkheadOptions{MaxWait: time.Minute}, time.Hour, time.Second, context.DeadlineExceeded, "middleware: waiting for one of the 1 places of the bulkhead: context deadline exceeded", time.Second},
		"without waiting": {&middleware.BulkheadOptions{MaxWait: -1}, time.Second, time.Hour, middleware.ErrBusy, "middleware: too many calls at the same time: all 1 places of the bulkhead are taken", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := middleware.Bulkhead(1, tc.options)
				leave, left := occupy(t, m), make(chan struct{})
				time.AfterFunc(tc.free, func() {
					leave()
					close(left)
				})
				ctx, cancel := context.WithTimeout(t.Context(), tc.context)
				defer cancel()
				begin, calls := time.Now(), 0
				err := bus.Chain(returning(&calls, nil), m)(ctx, order("second"))
				if !errors.Is(err, tc.want) || tc.want != nil && err.Error() != tc.text || tc.want == nil && err != nil {
					t.Errorf("got  %v\nwant %s", err, tc.text)
				}
				if took := time.Since(begin); took != tc.after || calls == 1 != (tc.want == nil) {
					t.Errorf("%d calls after %v, want it after %v", calls, took, tc.after)
				}
				<-left
				synctest.Wait()
				if err := bus.Chain(returning(&calls, errNoStock), m)(ctx, order("third")); err != errNoStock {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

// TestBulkheadFreesThePlace has calls that panic or end their goroutine.
func TestBulkheadFreesThePlace(t *testing.T) {
	t.Parallel()
	for name, handler := range abruptly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := middleware.Bulkhead(1, &middleware.BulkheadOptions{MaxWait: -1})
			for range 3 {
				apart(func() { _ = bus.Chain(handler, m)(t.Context(), order("7")) })
			}
			if err := bus.Chain(returning(new(int), nil), m)(t.Context(), order("7")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBulkheadManyWorkers counts the calls that run at the same time in several chains.
func TestBulkheadManyWorkers(t *testing.T) {
	t.Parallel()
	const n = 3
	m := middleware.Bulkhead(n, nil)
	var running, most, calls atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		h := bus.Chain(func(context.Context, *bus.Message) error {
			now := running.Add(1)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			runtime.Gosched()
			running.Add(-1)
			calls.Add(1)
			return nil
		}, m)
		all.Go(func() {
			for range 200 {
				if err := h(t.Context(), order("7")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if most.Load() != n || calls.Load() != 3200 {
		t.Errorf("%d of %d calls ran at the same time", most.Load(), calls.Load())
	}
}

// TestBulkheadOnABus has two subscriptions of several workers that share two places.
func TestBulkheadOnABus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{middleware.Bulkhead(2, nil)}})
		begin := time.Now()
		for range 2 {
			_, err := subscriber.New(b, orders, func(context.Context, topic.Event[string]) error {
				time.Sleep(time.Second)
				return nil
			}, &subscriber.Options{Workers: 4})
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 4 {
			if err := publish(t, b, "first"); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != 4*time.Second {
			t.Errorf("8 calls of a second took %v, two at a time", took)
		}
	})
}

func TestBulkheadOptions(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, -1} {
		checkRefused(t, middleware.Bulkhead(n, nil), "middleware.Bulkhead n")
	}
}
