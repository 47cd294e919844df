package bustest_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
)

// TestNothingIsReceivedAfterTheEnd has events wait for their time when the transport ends.
func TestNothingIsReceivedAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context, *bustest.Faults, transport.Transport) error{
		"close":    func(_ context.Context, _ *bustest.Faults, tr transport.Transport) error { return tr.Close() },
		"shutdown": func(ctx context.Context, _ *bustest.Faults, tr transport.Transport) error { return tr.Shutdown(ctx) },
		"kill": func(_ context.Context, f *bustest.Faults, _ transport.Transport) error {
			f.Kill("billing")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, open := bustest.NewFaults(t, bustest.Plan{Seed: 1, Delay: time.Second}), bustest.Memory().Open(t)
				shop := open()
				billing := f.Wrap("billing", open())
				if err := billing.Subscribe(""); err != nil {
					t.Fatal(err)
				}
				for range 20 {
					if err := shop.Publish(&transport.Message{Topic: "numbers", Payload: [][]byte{{'1'}}}); err != nil {
						t.Fatal(err)
					}
				}
				into := make([]transport.Message, 1)
				if n, err := billing.Receive(t.Context(), into); n != 1 || err != nil {
					t.Fatalf("%d, %v", n, err)
				}
				if err := end(t.Context(), f, billing); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				if n, err := billing.Receive(t.Context(), into); n != 0 || !errors.Is(err, net.ErrClosed) {
					t.Errorf("%d received, %v", n, err)
				}
				if s := billing.Stats(); s.Received != 1 || s.Untaken != 19 {
					t.Errorf("stats %+v", s)
				}
				for _, tr := range []transport.Transport{shop, billing} {
					if err := tr.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// TestRepliesToNobodyAreCounted has a client end before its reply is there: with faults or without, that is counted once.
func TestRepliesToNobodyAreCounted(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(f *bustest.Faults, shop *bus.Bus){
		"close": func(_ *bustest.Faults, shop *bus.Bus) { _ = shop.Close() },
		"partition": func(f *bustest.Faults, _ *bus.Bus) {
			f.Partition("billing")
			f.Heal("billing")
		},
		"partition, and close": func(f *bustest.Faults, shop *bus.Bus) {
			f.Partition("billing")
			_ = shop.Close()
			f.Heal("billing")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, open := bustest.NewFaults(t, bustest.Plan{}), bustest.Memory().Open(t)
				shop := bustest.New(t, &bus.Options{Transport: open()})
				billing := bustest.New(t, &bus.Options{Transport: f.Wrap("billing", open())})
				began, release, handled := make(chan struct{}), make(chan struct{}), make(chan struct{})
				if _, err := request.Serve(billing, double, func(_ context.Context, n int) (int, error) {
					defer close(handled)
					close(began)
					<-release
					return 2 * n, nil
				}, nil); err != nil {
					t.Fatal(err)
				}
				c := newClient(t, shop, &request.Options{Timeout: time.Minute, Attempts: 1})
				asked := make(chan struct{})
				go func() {
					defer close(asked)
					_, _ = c.Do(t.Context(), 1) // it has no reply
				}()
				<-began
				end(f, shop)
				<-asked
				synctest.Wait() // until the server's side has heard of it
				close(release)
				<-handled
				synctest.Wait() // until the reply has gone nowhere
				if s := billing.Stats().Transport; s.RepliesDropped != 1 {
					t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

// TestDroppedCancellationsAreNoReplies has requests dropped, and what their client says when it gives up.
func TestDroppedCancellationsAreNoReplies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Seed: 9, Drop: 0.5}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Transport: open()})
		billing := bustest.New(t, &bus.Options{Transport: f.Wrap("billing", open())})
		serveDouble(t, billing)
		c := newClient(t, shop, &request.Options{Timeout: time.Second, Attempts: 1})
		for i := range 20 {
			_, _ = c.Do(t.Context(), i) // it may have no reply
		}
		synctest.Wait()
		dropped := map[string]uint64{}
		for _, line := range f.Log() {
			dropped[strings.Fields(line)[2]]++
		}
		if s := billing.Stats().Transport; dropped["request"] == 0 || dropped["cancel"] == 0 || s.RepliesDropped != dropped["request"] {
			t.Errorf("dropped %v: %+v", dropped, s)
		}
	})
}

// TestTasksOnTheirWayAtTheEndAreUntaken has tasks that would come in an hour when the worker closes.
func TestTasksOnTheirWayAtTheEndAreUntaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Delay: time.Hour}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Transport: open()})
		bustest.AllowUndelivered(t, shop)
		works := f.Wrap("works", open())
		var s taking
		if _, err := works.(transport.Tasker).Work(&s); err != nil {
			t.Fatal(err)
		}
		sendTasks(t, newProducer(t, shop, nil), 1, 4)
		synctest.Wait()
		if err := works.Close(); err != nil {
			t.Error(err)
		}
		if stats := works.Stats(); len(s.tasks) != 0 || stats.Received != 0 || stats.Untaken != 3 {
			t.Errorf("the sink has %q: %+v", s.tasks, stats)
		}
	})
}

// TestRequestsOnTheirWayAtAPartitionAreLost has one that would come later, twice: nobody is asked, and it is counted at once.
func TestRequestsOnTheirWayAtAPartitionAreLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Seed: 1, Duplicate: 1, Delay: time.Minute}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Name: "shop", Transport: open()})
		billing := bustest.New(t, &bus.Options{Name: "billing", Transport: f.Wrap("billing", open())})
		asked := serveDouble(t, billing)
		c := newClient(t, shop, &request.Options{Timeout: time.Hour, Attempts: 1})
		done := make(chan error, 1)
		go func() {
			_, err := c.Do(t.Context(), 7)
			done <- err
		}()
		synctest.Wait()
		f.Partition("billing")
		f.Heal("billing")
		synctest.Wait()
		if s := f.Stats(); s.Lost != 1 || !slices.Contains(f.Log(), "billing lost request numbers.double #1 in the partition") {
			t.Errorf("stats %+v, log %q", s, f.Log())
		}
		if err := <-done; err == nil {
			t.Error("the request was answered")
		}
		if times, ok := asked.Load(7); ok {
			t.Errorf("it was handled %v times", times)
		}
	})
}

// TestSpoiltBusesDoWhatTheyCan has a worker at work when the test ends, after a fault that has nothing to do with it: its producer, whose bus
// no faults have spoilt, waits for it.
func TestSpoiltBusesDoWhatTheyCan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := faketb.Run(t, func(t testing.TB) {
			f, open := bustest.NewFaults(t, bustest.Plan{Seed: 1}), bustest.Memory().Open(t)
			shop := bustest.New(t, &bus.Options{Transport: open()})
			works := bustest.New(t, &bus.Options{Transport: f.Wrap("works", open())})
			f.Wrap("billing", open())
			f.Kill("billing")
			_, err := pipeline.NewWorker(works, pack, func(ctx context.Context, _ string) error {
				select {
				case <-time.After(500 * time.Millisecond):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}, nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			p, err := pipeline.NewProducer(shop, pack, nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			if err := p.Send(t.Context(), "books"); err != nil {
				t.Fatalf("%v", err)
			}
			synctest.Wait() // until it is at work
		}).Failures
		if failures != "" {
			t.Errorf("failures %q", failures)
		}
	})
}
