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

func newProducer(t testing.TB, b *bus.Bus) *pipeline.Producer[int] {
	t.Helper()
	p, err := pipeline.NewProducer(b, numbers, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newWorker(t testing.TB, b *bus.Bus, handler func(ctx context.Context, n int) error) *pipeline.Worker {
	t.Helper()
	w, err := pipeline.NewWorker(b, numbers, handler, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Producer and workers come in any order, and each task is done once.
func TestBusPipeline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		const tasks = 3000 // more than the limits of queues
		done := make(chan int, tasks)
		handler := func(_ context.Context, n int) error {
			time.Sleep(time.Millisecond)
			done <- n
			return nil
		}
		early := newWorker(t, busOn(t, network), handler)
		p := newProducer(t, busOn(t, network))
		var late *pipeline.Worker
		time.AfterFunc(time.Second, func() { late = newWorker(t, busOn(t, network), handler) })
		for n := range tasks {
			if err := p.Send(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		close(done)
		got := slices.Sorted(func(yield func(int) bool) {
			for n := range done {
				if !yield(n) {
					return
				}
			}
		})
		for i, n := range got {
			if i != n {
				t.Fatalf("%d instead of %d", n, i)
			}
		}
		if a, b := early.Stats().Succeeded, late.Stats().Succeeded; len(got) != tasks || a+b != tasks || a < 1000 || b < 900 {
			t.Errorf("%d tasks, %d and %d", len(got), a, b)
		}
		if s := p.Stats(); s.Redelivered != 0 || s.Acknowledged != tasks {
			t.Errorf("%+v", s)
		}
	})
}

// A worker that dies with tasks unacknowledged loses none: another one has them at once.
func TestBusWorkerDies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		p := newProducer(t, busOn(t, network))
		dying := busOn(t, network)
		newWorker(t, dying, func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		})
		const tasks = 50
		for n := range tasks {
			if err := p.Send(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		given := p.Stats().Given
		seen := map[int]int{}
		newWorker(t, busOn(t, network), func(_ context.Context, n int) error {
			seen[n]++
			return nil
		})
		synctest.Wait()
		if s := p.Stats(); given == 0 || s.Acknowledged != tasks-given || s.Given != given {
			t.Errorf("%d were given, %+v", given, s)
		}
		_ = dying.Close()
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		for n := range tasks {
			if seen[n] != 1 {
				t.Errorf("task %d was done %d times", n, seen[n])
			}
		}
		if s := p.Stats(); s.Redelivered != given || s.Acknowledged != tasks {
			t.Errorf("%+v", s)
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
