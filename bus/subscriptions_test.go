package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// Subscriptions of one name and selector are one element, whose counters do not go back when one of them is closed, while its handler runs or
// when it has returned.
func TestSubscriptionsOfOneNameAreSummedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		o := &subscriber.Options{Name: "twins", Queue: 2, Overflow: bus.DropNewest}
		slow := stall(t, b, words, o)
		quick := subscribe(t, b, words, func(_ context.Context, e topic.Event[string]) error {
			return map[string]error{"bad": errors.New("bad"), "odd": bus.ErrFiltered}[e.Value]
		}, o)
		everything := subscribe(t, b, topic.NewPrefix[string](""), func(context.Context, topic.Event[string]) error { return nil }, nil)
		p := newPublisher(t, b, words)
		for _, v := range []string{"good", "bad", "odd", "good"} {
			publish(t, t.Context(), p, v)
			synctest.Wait()
		}
		all := bus.SubscriptionStats{Name: "everything", Open: 1, Matched: 4, Succeeded: 4}
		want := bus.SubscriptionStats{Name: "twins", Selector: "words", Open: 2, Matched: 8, Queued: 2, Running: 1, Dropped: 1, Succeeded: 2, Failed: 1, Filtered: 1}
		check := func(when string) {
			t.Helper()
			if got := b.Subscriptions(); !slices.Equal(got, []bus.SubscriptionStats{all, want}) {
				t.Errorf("%s: %+v, want %+v and %+v", when, got, all, want)
			}
		}
		check("while one is stalled")

		closeAll(t, slow.Subscription)
		want.Open, want.Queued, want.Abandoned = 1, 0, 2
		check("when that was closed")
		close(slow.release)
		synctest.Wait()
		want.Running, want.Succeeded = 0, 3
		check("when its handler has returned")

		closeAll(t, quick, everything) // which makes the bus forget what has ended before
		all.Open, want.Open = 0, 0
		check("when all were closed")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		check("after the end of the bus")
	})
}

func closeAll(t *testing.T, subs ...*subscriber.Subscription) {
	t.Helper()
	for _, s := range subs {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The names of subscriptions that have ended do not fill the memory: the bus remembers 1024, and adds the others up.
func TestPastSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	const many = 1100
	b := bustest.New(t)
	p := newPublisher(t, b, numbers)
	for i := range many {
		s := subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error { return nil },
			&subscriber.Options{Name: fmt.Sprintf("subscription %04d", i), Inline: true})
		publish(t, t.Context(), p, i)
		closeAll(t, s)
	}
	stats := b.Subscriptions()
	if want := (bus.SubscriptionStats{Matched: many - 1024, Succeeded: many - 1024}); stats[0] != want {
		t.Errorf("without a name: %+v, want %+v", stats[0], want)
	}
	for i, s := range stats[1:] {
		if want := (bus.SubscriptionStats{Name: fmt.Sprintf("subscription %04d", i), Selector: "numbers", Matched: 1, Succeeded: 1}); s != want {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
	if len(stats) != 1025 {
		t.Errorf("%d elements, want 1025", len(stats))
	}
}

// Services tells how much work a server has, until it has ended.
func TestServices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		double, release := request.NewCall[int, int]("double"), make(chan struct{})
		server, err := request.Serve(b, double, func(_ context.Context, n int) (int, error) { <-release; return 2 * n, nil }, &request.ServeOptions{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		client, err := request.NewClient(b, double, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			go func() {
				if n, err := client.Do(t.Context(), 2); n != 4 || err != nil {
					t.Errorf("%d, %v", n, err)
				}
			}()
		}
		synctest.Wait()
		check := func(want bus.ServiceStats, is bool) {
			t.Helper()
			if got := b.Services(); slices.Contains(got, want) != is {
				t.Errorf("%+v, has %+v: %t, want %t", got, want, !is, is)
			}
		}
		check(bus.ServiceStats{Kind: "server", Name: server.Name(), Queued: 2, Running: 1}, true)
		close(release)
		synctest.Wait()
		idle := bus.ServiceStats{Kind: "server", Name: server.Name()}
		check(idle, true)
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		check(idle, false)
	})
}

// A queue of tasks counts those that are not done, and the worker the one that it is at.
func TestServicesOfTasks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		pack, release := pipeline.NewTask[int]("pack"), make(chan struct{})
		worker := func(context.Context, int) error { <-release; return nil }
		if _, err := pipeline.NewWorker(b, pack, worker, &pipeline.Options{Name: "packer", Workers: 1}); err != nil {
			t.Fatal(err)
		}
		p, err := pipeline.NewProducer(b, pack, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := p.Send(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
		check := func(queued, running uint64) {
			t.Helper()
			synctest.Wait()
			got := b.Services()
			for _, want := range []bus.ServiceStats{{Kind: "queue", Name: "pack", Queued: queued}, {Kind: "worker", Name: "packer", Running: running}} {
				if !slices.Contains(got, want) {
					t.Errorf("%+v, want %+v", got, want)
				}
			}
		}
		check(3, 1)
		release <- struct{}{}
		check(2, 1)
		close(release)
		check(0, 0)
	})
}
