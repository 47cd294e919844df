package request_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// The end of a server, and of its bus, reaches the handlers that callers of this process run.
func TestClosingEndsLocalHandlers(t *testing.T) {
	for name, end := range map[string]func(*request.Server, *bus.Bus){
		"server": func(s *request.Server, _ *bus.Bus) { _ = s.Close() },
		"bus":    func(_ *request.Server, b *bus.Bus) { _ = b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, timeout := range []time.Duration{-1, time.Hour} {
					b := bustest.New(t)
					s := serve(t, b, double, bustest.NewCall(t, double, doubled, bustest.Block()).Handle, nil)
					cl := newClient(t, b, double, &request.Options{Timeout: timeout})
					done := make(chan error)
					go func() {
						_, err := cl.Do(t.Context(), 1)
						done <- err
					}()
					synctest.Wait()
					begin := time.Now()
					end(s, b)
					if err := <-done; !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					<-s.Done()
					if took := time.Since(begin); took != 0 {
						t.Errorf("it took %v", took)
					}
				}
			})
		})
	}
}

// A handler that looks at its context, and does not wait for it, sees the end of its server as well.
func TestClosingIsSeenByErr(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	var s *request.Server
	s = serve(t, b, double, func(ctx context.Context, _ int) (int, error) {
		before := ctx.Err()
		_ = s.Close()
		if before != nil || ctx.Err() != context.Canceled {
			t.Errorf("%v, then %v", before, ctx.Err())
		}
		<-ctx.Done()
		return 0, nil
	}, nil)
	if _, err := newClient(t, b, double, nil).Do(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

// Do that meets the end of the bus returns.
func TestDoWhileTheBusEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, o := range []*bus.Options{{}, {Transport: newFake()}} {
			b := bustest.New(t, o)
			closing := make(chan struct{})
			late := bus.Wrap("late", func(next bus.Handler) bus.Handler {
				return func(ctx context.Context, m *bus.Message) error {
					_ = b.Close() // between the beginning of Do and its search for a server
					close(closing)
					return next(ctx, m)
				}
			})
			serve(t, b, double, twice, nil)
			cl := newClient(t, b, double, &request.Options{Middleware: []bus.Middleware{late}})
			if _, err := cl.Do(t.Context(), 1); err != bus.ErrClosed {
				t.Error(err)
			}
			<-closing
			<-b.Done()
		}
	})
}

// Callers of this process who wait for a handler ask another server when theirs is closed.
func TestClosingSendsWaitingCallersOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		release := make(chan struct{})
		busy := serve(t, b, double, func(context.Context, int) (int, error) {
			<-release
			return 1, nil
		}, &request.ServeOptions{Workers: 1})
		cl := newClient(t, b, double, nil)
		results := make(chan int, 3)
		for range 3 {
			go func() {
				n, err := cl.Do(t.Context(), 1)
				if err != nil {
					t.Error(err)
				}
				results <- n
			}()
		}
		synctest.Wait()
		serve(t, b, double, twice, nil)
		_ = busy.Close()
		begin := time.Now()
		for range 2 {
			if n := <-results; n != 2 || time.Since(begin) != 0 {
				t.Errorf("%d after %v", n, time.Since(begin))
			}
		}
		close(release)
		if n := <-results; n != 1 {
			t.Errorf("the one that ran: %d", n)
		}
		<-busy.Done()
		if got := busy.Stats(); got.Requests != 3 || got.Refused != 2 || got.Succeeded != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// No handler runs for a caller from outside once Shutdown has found nothing left to do.
func TestDoWhileTheBusShutsDown(t *testing.T) {
	t.Parallel()
	for range 1000 {
		b := bustest.New(t)
		var running atomic.Int32
		begun := make(chan struct{}, 1)
		serve(t, b, double, func(_ context.Context, n int) (int, error) {
			running.Add(1)
			defer running.Add(-1)
			select {
			case begun <- struct{}{}:
			default:
			}
			for range 10 {
				runtime.Gosched()
			}
			return 2 * n, nil
		}, nil)
		cl := newClient(t, b, double, nil)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for err := error(nil); err != bus.ErrClosed; {
					if _, err = cl.Do(t.Context(), 1); err != nil && err != bus.ErrClosed {
						t.Error(err)
						return
					}
				}
			})
		}
		<-begun
		if err := b.Shutdown(patient(t)); err != nil {
			t.Error(err)
		}
		if n := running.Load(); n != 0 {
			t.Errorf("%d handlers run", n)
		}
		all.Wait()
		<-b.Done()
	}
}

// A caller whose time is over at the moment at which a handler is free is not handled.
func TestExpiredCallerIsNotHandled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 50 { // which of the two is seen first is chance
			b := bustest.New(t)
			handler := bustest.NewCall(t, double, doubled, bustest.Take(time.Second))
			s := serve(t, b, double, handler.Handle, &request.ServeOptions{Workers: 1})
			cl := newClient(t, b, double, nil)
			first := make(chan error)
			go func() {
				n, err := cl.Do(t.Context(), 1)
				if err == nil && n != 2 {
					err = fmt.Errorf("the reply is %d", n)
				}
				first <- err
			}()
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := cl.Do(ctx, 1); !errors.Is(err, request.ErrTimeout) {
				t.Error(err)
			}
			cancel()
			if err := <-first; err != nil {
				t.Error(err)
			}
			if got := s.Stats(); len(handler.Seen()) != 1 || got.Expired != 1 || got.Succeeded != 1 {
				t.Errorf("handled %v, %+v", handler.Seen(), got)
			}
			_ = s.Close()
			<-s.Done()
		}
	})
}

// A context that is kept and looked at for the first time after the handler has returned has ended.
func TestKeptContextHasEnded(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	var kept context.Context
	serve(t, b, double, func(ctx context.Context, n int) (int, error) {
		kept = ctx
		return n, nil
	}, nil)
	if _, err := newClient(t, b, double, &request.Options{Timeout: -1}).Do(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-kept.Done():
	default:
		t.Error("it goes on")
	}
}
