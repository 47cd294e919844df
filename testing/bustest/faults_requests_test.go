package bustest_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

var double = request.NewCall[int, int]("numbers.double")

// serveDouble serves on b, and counts how often each number was asked for.
func serveDouble(t testing.TB, b *bus.Bus) (asked *sync.Map) {
	t.Helper()
	asked = &sync.Map{}
	_, err := request.Serve(b, double, func(_ context.Context, n int) (int, error) {
		times, _ := asked.LoadOrStore(n, new(atomic.Int64))
		times.(*atomic.Int64).Add(1)
		return 2 * n, nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

func newClient(t testing.TB, b *bus.Bus, o *request.Options) *request.Client[int, int] {
	t.Helper()
	c, err := request.NewClient(b, double, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// networks are what requests and tasks are tested over.
func networks() []transporttest.Network {
	return []transporttest.Network{bustest.Inproc(), bustest.TCP()}
}

// over runs a test for each network.
func over(t *testing.T, body func(t *testing.T, n transporttest.Network)) {
	t.Helper()
	for _, n := range networks() {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			body(t, n)
		})
	}
}

// TestRequestsGetTheirReplies drops and repeats requests and replies: each call gets its own reply, from some attempt.
func TestRequestsGetTheirReplies(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, n transporttest.Network) {
		f := bustest.NewFaults(t, bustest.Plan{Drop: 0.2, Duplicate: 0.3, Delay: 2 * time.Millisecond})
		buses := faultyBuses(t, f, n, "shop", "billing", "stock")
		asked := []*sync.Map{serveDouble(t, buses[1]), serveDouble(t, buses[2])}
		c := newClient(t, buses[0], &request.Options{Timeout: time.Minute, Attempts: 1000})
		var calls sync.WaitGroup
		for i := range 50 {
			calls.Go(func() {
				if reply, err := c.Do(t.Context(), i); err != nil || reply != 2*i {
					t.Errorf("twice %d is %d, %v", i, reply, err)
				}
			})
		}
		calls.Wait()
		again := 0
		for _, of := range asked {
			of.Range(func(_, times any) bool {
				again += int(times.(*atomic.Int64).Load()) - 1
				return true
			})
		}
		if s := f.Stats(); s.Dropped == 0 || s.Duplicated == 0 || s.Delayed == 0 || again == 0 {
			t.Errorf("stats %+v, %d requests were handled again", s, again)
		}
	})
}

// TestDuplicatedRequestsAreHandledTwice has no other faults, so that what happens is certain.
func TestDuplicatedRequestsAreHandledTwice(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, n transporttest.Network) {
		f := bustest.NewFaults(t, bustest.Plan{Duplicate: 1})
		buses := faultyBuses(t, f, n, "shop", "billing")
		handled := make(chan int, 100)
		if _, err := request.Serve(buses[1], double, func(_ context.Context, n int) (int, error) {
			handled <- n
			return 2 * n, nil
		}, nil); err != nil {
			t.Fatal(err)
		}
		c := newClient(t, buses[0], nil)
		for i := range 20 {
			if reply, err := c.Do(t.Context(), i); err != nil || reply != 2*i {
				t.Errorf("twice %d is %d, %v", i, reply, err)
			}
		}
		times := map[int]int{}
		for range 40 { // the second one of a request may come when the first one has its reply
			times[<-handled]++
		}
		if err := buses[1].Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if s := buses[1].Stats().Transport; s.RepliesDropped != 0 {
			t.Errorf("%d replies were dropped: the second one goes nowhere", s.RepliesDropped)
		}
		for i := range 20 {
			if times[i] != 2 {
				t.Errorf("%d was asked for %d times, want 2", i, times[i])
			}
		}
		if s := f.Stats(); s.Duplicated != 20 || buses[0].Stats().Transport.LateReplies != 0 {
			t.Errorf("stats %+v, of the transport %+v", s, buses[0].Stats().Transport)
		}
	})
}

// TestDroppedRequestsEndInTime has nothing arrive, and a client that waits for ever, but for the end of its bus.
func TestDroppedRequestsEndInTime(t *testing.T) {
	t.Parallel()
	kill := func(f *bustest.Faults, _ *bus.Bus) error {
		f.Kill("shop")
		return nil
	}
	closing := func(_ *bustest.Faults, b *bus.Bus) error { return b.Close() }
	for name, tc := range map[string]struct {
		server bool // has the faults, so that requests are dropped, and not replies
		end    func(*bustest.Faults, *bus.Bus) error
		want   error
	}{
		"requests, close": {true, closing, bus.ErrClosed},
		"requests, kill":  {true, kill, request.ErrTimeout},
		"replies, close":  {false, closing, bus.ErrClosed},
		"replies, kill":   {false, kill, request.ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, open := bustest.NewFaults(t, bustest.Plan{Drop: 1}), bustest.Memory().Open(t)
				shop := bustest.New(t, &bus.Options{Transport: f.Wrap("shop", open())})
				tr := open()
				if tc.server {
					tr = f.Wrap("billing", tr)
				}
				serveDouble(t, bustest.New(t, &bus.Options{Transport: tr}))
				began := time.Now()
				if _, err := newClient(t, shop, nil).Do(t.Context(), 1); !errors.Is(err, request.ErrTimeout) || time.Since(began) != 5*time.Second {
					t.Errorf("after %v Do returns %v", time.Since(began), err)
				}
				c := newClient(t, shop, &request.Options{Timeout: -1, Attempts: 1})
				ended := make(chan error, 1)
				go func() {
					_, err := c.Do(context.Background(), 1)
					ended <- err
				}()
				synctest.Wait()
				if err := tc.end(f, shop); err != nil {
					t.Error(err)
				}
				if err := <-ended; !errors.Is(err, tc.want) {
					t.Errorf("at the end of its bus Do returns %v", err)
				}
			})
		})
	}
}

// TestPartitionEndsRequests has handlers under way on both sides of the cut.
func TestPartitionEndsRequests(t *testing.T) {
	t.Parallel()
	for _, cut := range []string{"shop", "billing"} {
		t.Run(cut, func(t *testing.T) {
			t.Parallel()
			over(t, func(t *testing.T, n transporttest.Network) {
				f := bustest.NewFaults(t, bustest.Plan{})
				buses := faultyBuses(t, f, n, "shop", "billing")
				begun, abandoned := make(chan struct{}, 10), make(chan struct{}, 10)
				hang := make(chan struct{}, 1)
				hang <- struct{}{}
				_, err := request.Serve(buses[1], double, func(ctx context.Context, n int) (int, error) {
					select {
					case <-hang: // the first one
						begun <- struct{}{}
						<-ctx.Done()
						abandoned <- struct{}{}
						return 0, ctx.Err()
					default:
						return 2 * n, nil
					}
				}, nil)
				if err != nil {
					t.Fatal(err)
				}
				c := newClient(t, buses[0], &request.Options{Timeout: 10 * time.Second, Attempts: 100})
				ended := make(chan error, 1)
				go func() {
					reply, err := c.Do(t.Context(), 21)
					if err == nil && reply != 42 {
						err = errors.New("the reply is wrong")
					}
					ended <- err
				}()
				<-begun
				f.Partition(cut)
				<-abandoned // long before the time is over
				once, err := request.NewClient(buses[0], double, &request.Options{Timeout: 20 * time.Millisecond, Attempts: 1})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := once.Do(t.Context(), 1); err == nil {
					t.Error("a request came through the cut")
				}
				f.Heal(cut)
				if err := <-ended; err != nil {
					t.Errorf("after the partition: %v", err)
				}
				if reply, err := once.Do(t.Context(), 1); err != nil && !errors.Is(err, request.ErrTimeout) || err == nil && reply != 2 {
					t.Errorf("twice 1 is %d, %v", reply, err)
				}
				if s := c.Stats(); s.Lost != 1 {
					t.Errorf("%d attempts were lost, want 1: %+v", s.Lost, s)
				}
			})
		})
	}
}

func TestKilledServersLoseRequests(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, n transporttest.Network) {
		f := bustest.NewFaults(t, bustest.Plan{})
		buses := faultyBuses(t, f, n, "shop", "billing", "stock")
		begun := make(chan string, 2)
		for i, name := range []string{"billing", "stock"} {
			_, err := request.Serve(buses[i+1], double, func(ctx context.Context, n int) (int, error) {
				begun <- name
				if n == 1 && len(f.Log()) == 0 {
					<-ctx.Done()
				}
				return 2 * n, ctx.Err()
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
		}
		c := newClient(t, buses[0], &request.Options{Timeout: 10 * time.Second, Attempts: 2})
		if err := c.WaitServers(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := c.Do(t.Context(), 1)
			ended <- err
		}()
		f.Kill(<-begun)
		if err := <-ended; err != nil {
			t.Errorf("the other server has not answered: %v", err)
		}
		if s := c.Stats(); s.Lost != 1 {
			t.Errorf("stats %+v, want one attempt that was lost", s)
		}
	})
}
