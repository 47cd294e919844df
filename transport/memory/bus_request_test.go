package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/transport/memory"
)

func serveDouble(t testing.TB, b *bus.Bus, handler func(ctx context.Context, n int) (int, error)) *request.Server {
	t.Helper()
	s, err := request.Serve(b, double, handler, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newClient(t testing.TB, b *bus.Bus, o *request.Options) *request.Client[int, int] {
	t.Helper()
	cl, err := request.NewClient(b, double, o)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// Two servers and a client that comes first.
func TestBusRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		cl := newClient(t, busOn(t, network), nil)
		var served [2]int
		time.AfterFunc(time.Second, func() {
			for i := range served {
				serveDouble(t, busOn(t, network), func(_ context.Context, n int) (int, error) {
					served[i]++
					return 2 * n, nil
				})
			}
		})
		begin := time.Now()
		for n := range 10 {
			if got, err := cl.Do(t.Context(), n); err != nil || got != 2*n {
				t.Errorf("%d: %d, %v", n, got, err)
			}
		}
		if took := time.Since(begin); took != time.Second || served != [2]int{5, 5} {
			t.Errorf("served %v after %v", served, took)
		}
		if err := cl.WaitServers(t.Context(), 2); err != nil {
			t.Error(err)
		}
	})
}

// A bus that serves nothing is in nobody's way, and one that serves something else says so.
func TestBusRequestsFindTheServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := buses(t, 4, nil)
		cl := newClient(t, all[0], nil)
		triple := request.NewCall[int, int]("triple")
		if _, err := request.Serve(all[1], triple, func(_ context.Context, n int) (int, error) { return 3 * n, nil }, nil); err != nil {
			t.Fatal(err)
		}
		serveDouble(t, all[3], func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		begin := time.Now()
		for n := range 10 {
			if got, err := cl.Do(t.Context(), n); err != nil || got != 2*n {
				t.Errorf("%d: %d, %v", n, got, err)
			}
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// A server that ends with a request under way never hangs the client: another one has it at once.
func TestBusServerEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := buses(t, 3, nil)
		cl := newClient(t, all[0], nil)
		abandoned := make(chan error, 1)
		serveDouble(t, all[1], func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			abandoned <- ctx.Err()
			return 0, ctx.Err()
		})
		serveDouble(t, all[2], func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		begin := time.Now()
		time.AfterFunc(100*time.Millisecond, func() { _ = all[1].Close() })
		if got, err := cl.Do(t.Context(), 21); err != nil || got != 42 {
			t.Errorf("%d, %v", got, err)
		}
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if err := <-abandoned; err == nil {
			t.Error("the handler goes on")
		}
	})
}

// A client that gives up ends the handler.
func TestBusClientGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := buses(t, 2, nil)
		cl := newClient(t, all[0], &request.Options{Timeout: time.Second, Attempts: 1})
		began, ended := time.Now(), make(chan time.Duration, 1)
		serveDouble(t, all[1], func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			ended <- time.Since(began)
			return 0, ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, err := cl.Do(ctx, 1); err == nil {
			t.Error("there is an answer")
		}
		if after := <-ended; after != 300*time.Millisecond {
			t.Errorf("the handler ended after %v", after)
		}
	})
}
