package memory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/memory"
)

var (
	orders  = topic.New[int]("orders.created")
	double  = request.NewCall[int, int]("double")
	numbers = pipeline.NewTask[int]("numbers")
)

// buses returns buses that a network connects.
func buses(t testing.TB, n int, o *memory.Options) []*bus.Bus {
	t.Helper()
	network := memory.NewNetwork(o)
	all := make([]*bus.Bus, n)
	for i := range all {
		all[i] = busOn(t, network)
	}
	return all
}

func busOn(t testing.TB, network *memory.Network) *bus.Bus {
	t.Helper()
	return bustest.New(t, &bus.Options{Transport: network.Join()})
}

func newPublisher(t testing.TB, b *bus.Bus, o *publisher.Options) *publisher.Publisher[int] {
	t.Helper()
	pub, err := publisher.New(b, orders, o)
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

func send(t testing.TB, pub *publisher.Publisher[int], values ...int) {
	t.Helper()
	if _, err := pub.PublishBatch(t.Context(), values); err != nil {
		t.Fatal(err)
	}
}

// values are those of the first n events of a recorder.
func values(r *bustest.Recorder[int], n int) (all []int) {
	for _, e := range r.Wait(n) {
		all = append(all, e.Value)
	}
	return all
}

func TestBusEvents(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := buses(t, 3, nil)
		here, there, later := all[0], bustest.Record(t, all[1], orders), bustest.Record(t, all[2], topic.NewPrefix[int]("orders."))
		pub := newPublisher(t, here, nil)
		if err := pub.WaitSubscribers(t.Context(), 2); err != nil {
			t.Error(err)
		}
		for _, r := range []*bustest.Recorder[int]{there, later} {
			if err := r.Subscription().Ready(t.Context()); err != nil {
				t.Error(err)
			}
			if err := r.Subscription().WaitPublishers(t.Context(), 2); err != nil {
				t.Error(err)
			}
		}
		send(t, pub, 1, 2, 3)
		for _, r := range []*bustest.Recorder[int]{there, later} {
			if got := values(r, 3); !slices.Equal(got, []int{1, 2, 3}) {
				t.Errorf("got %v", got)
			}
			if e := r.All()[0]; e.Seq() != 1 || e.Source() != here.Source() {
				t.Errorf("got %v from %v", e, e.Source())
			}
		}
	})
}

func TestBusWaitsForWhoIsMissing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		pub := newPublisher(t, busOn(t, network), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var missing *bus.NotReadyError
		if err := pub.WaitSubscribers(ctx, 1); !errors.As(err, &missing) {
			t.Errorf("%v", err)
		}
		begin := time.Now()
		time.AfterFunc(time.Minute, func() { bustest.Record(t, busOn(t, network), orders) })
		if err := pub.WaitSubscribers(t.Context(), 1); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// A bus whose receiver waits loses the newest events, and is told how many.
func TestBusLosesAndTells(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := buses(t, 2, &memory.Options{HWM: 10})
		bustest.AllowUndelivered(t, all[0])
		bustest.AllowUndelivered(t, all[1])
		release := make(chan struct{})
		var got []int
		_, err := subscriber.New(all[1], orders, func(_ context.Context, e topic.Event[int]) error {
			<-release
			got = append(got, e.Value)
			return nil
		}, &subscriber.Options{Queue: 1, Overflow: bus.Block})
		if err != nil {
			t.Fatal(err)
		}
		var gaps []bus.Notice
		all[1].Notices(func(n bus.Notice) {
			if _, ok := n.(bus.Gap); ok {
				gaps = append(gaps, n)
			}
		})
		pub := newPublisher(t, all[0], nil)
		for i := range 50 {
			send(t, pub, i+1)
			synctest.Wait()
		}
		close(release)
		synctest.Wait()
		send(t, pub, 51)
		synctest.Wait()
		dropped := all[0].Stats().Transport.Dropped
		want := bus.Gap{Source: all[0].Source(), Topic: "orders.created", From: 51 - dropped, To: 50}
		if dropped == 0 || len(got) != 51-int(dropped) || len(gaps) != 1 || gaps[0] != want || all[1].Stats().Lost != dropped {
			t.Errorf("got %v, %v; %d dropped, %d lost", got, gaps, dropped, all[1].Stats().Lost)
		}
	})
}

func TestBusRetains(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		pub := newPublisher(t, busOn(t, network), &publisher.Options{Retain: publisher.RetainLast})
		send(t, pub, 1, 2, 3)
		late := bustest.Record(t, busOn(t, network), orders)
		send(t, pub, 4)
		if got := values(late, 2); !slices.Equal(got, []int{3, 4}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestBusPeersComeAndGo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		b := busOn(t, network)
		var told []string
		b.Notices(func(n bus.Notice) {
			switch n := n.(type) {
			case bus.PeerUp:
				told = append(told, "up "+n.Peer.Address)
			case bus.PeerDown:
				told = append(told, fmt.Sprintf("down %s: %v", n.Peer.Address, n.Err))
			}
		})
		other := busOn(t, network)
		synctest.Wait()
		if err := other.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if want := []string{"up memory #2", "down memory #2: memory: the peer has left the network"}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
	})
}

// All shut down while work is under way: nobody waits for ever, and what was done is acknowledged.
func TestBusesShutDownTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := buses(t, 3, nil)
		p := newProducer(t, all[0])
		w := newWorker(t, all[1], func(context.Context, int) error {
			time.Sleep(time.Second)
			return nil
		})
		serveDouble(t, all[2], func(_ context.Context, n int) (int, error) {
			time.Sleep(time.Second)
			return 2 * n, nil
		})
		cl := newClient(t, all[1], nil)
		answered := make(chan error)
		go func() {
			_, err := cl.Do(t.Context(), 1)
			answered <- err
		}()
		if err := p.Send(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ended := make(chan error)
		for _, b := range all {
			go func() { ended <- b.Shutdown(t.Context()) }()
		}
		if err := <-answered; err != nil {
			t.Error(err)
		}
		for range all {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if s := p.Stats(); s.Acknowledged != 1 || w.Stats().Succeeded != 1 {
			t.Errorf("%+v, %+v", s, w.Stats())
		}
	})
}
