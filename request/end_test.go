package request_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/memory"
)

func TestShutdown(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		handler := bustest.NewCall(t, double, doubled, bustest.Always(bustest.Take(time.Second)))
		s := serve(t, b, double, handler.Handle, &request.ServeOptions{Workers: 1})
		cl := newClient(t, b, double, nil)
		elsewhere := newClient(t, b, failing, nil)
		peers.connect(func(a *arrival) { time.AfterFunc(3*time.Second, func() { a.reply(`"there"`) }) })
		first, second := peers.ask(t, call("math.double", 1, "1")), peers.ask(t, call("math.double", 2, "2"))
		asked := make(chan error)
		go func() {
			_, err := elsewhere.Do(t.Context(), "x")
			asked <- err
		}()
		synctest.Wait()
		begin, done := time.Now(), make(chan error)
		go func() { done <- b.Shutdown(t.Context()) }()
		synctest.Wait()
		if _, err := cl.Do(t.Context(), 1); err != bus.ErrClosed {
			t.Errorf("from outside: %v", err)
		}
		if _, status, _ := peers.ask(t, call("math.double", 3, "3")).outcome(t); status != "overloaded" {
			t.Errorf("from another process: %q", status)
		}
		for want, r := range map[string]*fakeRequest{"2": first, "4": second} {
			if payload, _, _ := r.outcome(t); payload != want {
				t.Errorf("%q, want %q", payload, want)
			}
		}
		if err := <-asked; err != nil {
			t.Errorf("a request under way: %v", err)
		}
		if err := <-done; err != nil || time.Since(begin) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		<-b.Done()
		<-s.Done()
		if _, err := cl.Do(t.Context(), 1); err != bus.ErrClosed {
			t.Error(err)
		}
		if _, err := request.NewClient(b, double, nil); err != bus.ErrClosed {
			t.Error(err)
		}
		if _, err := request.Serve(b, double, twice, nil); err != bus.ErrClosed {
			t.Error(err)
		}
	})
}

func TestShutdownTellsWhatIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		release := make(chan struct{})
		serve(t, b, double, func(context.Context, int) (int, error) {
			<-release
			return 0, nil
		}, &request.ServeOptions{Workers: 1, Name: "doubler"})
		for id := range uint64(3) {
			peers.ask(t, call("math.double", id+1, "1"))
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var left *bus.DrainError
		err := b.Shutdown(ctx)
		if !errors.As(err, &left) || len(left.Subscriptions) != 1 || left.Subscriptions[0] != (bus.UndrainedSubscription{Name: "server of doubler", Queued: 2, Running: 1}) {
			t.Errorf("%v", err)
		}
		close(release)
		<-b.Done()
	})
}

// A handler that asks while the bus drains is let through.
func TestHandlersMayAskDuringShutdown(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		cl := newClient(t, b, double, nil)
		serve(t, b, double, twice, nil)
		quadruple := request.NewCall[int, int]("math.quadruple")
		serve(t, b, quadruple, func(ctx context.Context, n int) (int, error) {
			time.Sleep(time.Second)
			n, err := cl.Do(ctx, n)
			return 2 * n, err
		}, nil)
		r := peers.ask(t, call("math.quadruple", 1, "1"))
		synctest.Wait()
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if payload, _, message := r.outcome(t); payload != "4" {
			t.Errorf("%q %q", payload, message)
		}
	})
}

func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		stubborn := make(chan struct{})
		s := serve(t, b, double, func(ctx context.Context, n int) (int, error) {
			<-ctx.Done()
			<-stubborn
			return 0, ctx.Err()
		}, &request.ServeOptions{Workers: 1})
		running, waiting := peers.ask(t, call("math.double", 1, "1")), peers.ask(t, call("math.double", 2, "1"))
		peers.connect(func(*arrival) {})
		asked := make(chan error)
		go func() {
			_, err := newClient(t, b, failing, nil).Do(t.Context(), "x")
			asked <- err
		}()
		synctest.Wait()
		_ = b.Close()
		if _, status, _ := waiting.outcome(t); status != "overloaded" {
			t.Errorf("%q", status)
		}
		if err := <-asked; err != bus.ErrClosed {
			t.Error(err)
		}
		select {
		case <-b.Done():
			t.Error("done while a handler runs")
		default:
		}
		close(stubborn)
		if _, status, _ := running.outcome(t); status != "discarded" {
			t.Errorf("%q", status)
		}
		<-s.Done()
		<-b.Done()
		if got := s.Stats(); got.Refused != 1 || got.Failed != 1 || got.Requests != 2 {
			t.Errorf("%+v", got)
		}
	})
}

// stopper is a service of the test, which takes part in the end of a bus.
type stopper struct {
	bus.Service
	close func()
	done  chan struct{}
}

func (s stopper) Close() {
	s.close()
	close(s.done)
}

func (s stopper) Done() <-chan struct{} { return s.done }

// A request whose turn comes while the bus is being closed was not begun: its client is to ask another server.
func TestClosingRefusesWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		release := make(chan struct{})
		stop := stopper{close: func() {
			close(release)
			synctest.Wait() // the one that runs returns, and the next one is taken
		}, done: make(chan struct{})}
		if err := b.Register(stop); err != nil { // before the server, which closes after it
			t.Fatal(err)
		}
		s := serve(t, b, double, func(context.Context, int) (int, error) {
			<-release
			return 1, nil
		}, &request.ServeOptions{Workers: 1})
		running, waiting := peers.ask(t, call("math.double", 1, "1")), peers.ask(t, call("math.double", 2, "1"))
		synctest.Wait()
		_ = b.Close()
		if payload, status, _ := running.outcome(t); payload != "1" || status != "" {
			t.Errorf("%q %q", payload, status)
		}
		if _, status, _ := waiting.outcome(t); status != "overloaded" {
			t.Errorf("%q", status)
		}
		<-s.Done()
		if got := s.Stats(); got.Refused != 1 || got.Succeeded != 1 || got.Requests != 2 {
			t.Errorf("%+v", got)
		}
	})
}

// A handler that the end of its bus has interrupted is as good as a lost connection: the client asks another server, if it may.
func TestClosingIsALostConnection(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]int{1: 0, 2: 2} {
		synctest.Test(t, func(t *testing.T) {
			n := memory.NewNetwork(nil)
			join := func() *bus.Bus { return bustest.New(t, &bus.Options{Transport: n.Join()}) }
			ending, other, client := join(), join(), join()
			if err := ending.Register(stopper{close: synctest.Wait, done: make(chan struct{})}); err != nil { // the handler returns before the transport ends
				t.Fatal(err)
			}
			serve(t, ending, double, func(ctx context.Context, _ int) (int, error) {
				<-ctx.Done()
				return 0, errors.New("the database has gone away") // which is what handlers make of it
			}, nil)
			cl := newClient(t, client, double, &request.Options{Attempts: attempts})
			handled := 0
			result, failed := 0, make(chan error)
			go func() {
				var err error
				result, err = cl.Do(t.Context(), 1)
				failed <- err
			}()
			synctest.Wait()
			serve(t, other, double, func(ctx context.Context, n int) (int, error) {
				handled++
				return twice(ctx, n)
			}, nil)
			_ = ending.Close()
			err := <-failed
			if lost, _ := errors.AsType[*request.NoReplyError](err); attempts == 1 && (lost == nil || lost.Lost != 1) || attempts == 2 && err != nil {
				t.Errorf("%d attempts: %v", attempts, err)
			}
			if result != want || handled != want/2 {
				t.Errorf("%d attempts: %d, handled again %d times", attempts, result, handled)
			}
			<-ending.Done()
		})
	}
}

func TestServerClose(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		var self *request.Server
		self = serve(t, b, double, func(context.Context, int) (int, error) {
			return 0, self.Close() // may be called from the handler
		}, nil)
		if payload, _, _ := peers.ask(t, call("math.double", 1, "1")).outcome(t); payload != "0" {
			t.Errorf("%q", payload)
		}
		<-self.Done()
		if _, status, _ := peers.ask(t, call("math.double", 2, "1")).outcome(t); status != "unimplemented" {
			t.Errorf("%q", status)
		}
		cl := newClient(t, b, double, &request.Options{Timeout: time.Second})
		if _, err := cl.Do(t.Context(), 1); !errors.Is(err, request.ErrNoServer) {
			t.Error(err)
		}
		serve(t, b, double, twice, nil)
		if n, err := cl.Do(t.Context(), 1); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		_ = cl.Close()
		if _, err := cl.Do(t.Context(), 1); err != bus.ErrClosed {
			t.Error(err)
		}
	})
}

func TestWaitServers(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		cl := newClient(t, b, double, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var missing *bus.NotReadyError
		if err := cl.WaitServers(ctx, 1); !errors.As(err, &missing) || len(missing.Missing) != 2 || missing.Missing[0] != `0 of 1 servers of "math.double"` {
			t.Errorf("%v", err)
		}
		time.AfterFunc(time.Second, func() { peers.connect(func(*arrival) {}) })
		time.AfterFunc(2*time.Second, func() { serve(t, b, double, twice, nil) })
		begin := time.Now()
		if err := cl.WaitServers(t.Context(), 2); err != nil || time.Since(begin) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}
