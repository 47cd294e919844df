package bustest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
)

// TestDelayedRequestsAreAnswered has requests and replies under way for up to a second each.
func TestDelayedRequestsAreAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Delay: time.Second})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		serveDouble(t, buses[1])
		c := newClient(t, buses[0], &request.Options{Attempts: 1})
		for i := range 20 {
			began := time.Now()
			if reply, err := c.Do(t.Context(), i); err != nil || reply != 2*i {
				t.Errorf("twice %d is %d, %v", i, reply, err)
			}
			if took := time.Since(began); took == 0 || took > 2*time.Second {
				t.Errorf("request %d took %v", i, took)
			}
		}
		if s := f.Stats(); s.Delayed < 39 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestSlowReadersTakeTheirTime reads requests, and then tasks, of one peer one after the other.
func TestSlowReadersTakeTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Read: time.Second}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Transport: open()})
		works := bustest.New(t, &bus.Options{Transport: f.Wrap("works", open())})
		serveDouble(t, works)
		c := newClient(t, shop, nil)
		began := time.Now()
		for i := range 3 {
			if _, err := c.Do(t.Context(), i); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("3 requests took %v", took)
		}
		var l ledger
		newWorker(t, works, l.handle, nil)
		p := newProducer(t, shop, nil)
		began = time.Now()
		sendTasks(t, p, 0, 10)
		allDone(t, p)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("10 tasks took %v", took)
		}
	})
}

// TestManyDelayedTasks has more on the way than may be.
func TestManyDelayedTasks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Delay: time.Second, Duplicate: 0.5})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "works")
		var l ledger
		newWorker(t, buses[1], l.handle, &pipeline.Options{Prefetch: 5000})
		p := newProducer(t, buses[0], nil)
		sendTasks(t, p, 0, 4000)
		allDone(t, p)
		l.again(t, 4000)
		noBadPeers(t, buses...)
	})
}

// TestPartitionInTheMiddleOfDelays cuts off what is still on the way: none of it comes, and what waits for word of it gets that.
func TestPartitionInTheMiddleOfDelays(t *testing.T) {
	t.Parallel()
	for _, cut := range []string{"shop", "works"} {
		t.Run(cut, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := bustest.NewFaults(t, bustest.Plan{Delay: time.Minute, Duplicate: 0.5})
				buses := faultyBuses(t, f, bustest.Memory(), "shop", "works")
				var l ledger
				newWorker(t, buses[1], l.handle, &pipeline.Options{Workers: 2, Prefetch: 5})
				serveDouble(t, buses[1])
				p := newProducer(t, buses[0], &pipeline.ProducerOptions{AckTimeout: -1, Attempts: -1})
				ended := make(chan error, 1)
				c := newClient(t, buses[0], &request.Options{Timeout: time.Hour, Attempts: 2})
				go func() {
					_, err := c.Do(t.Context(), 1)
					ended <- err
				}()
				for round := range 20 {
					sendTasks(t, p, 5*round, 5*round+5)
					time.Sleep(10 * time.Second)
					if round%5 == 0 {
						f.Partition(cut)
						time.Sleep(10 * time.Second)
						f.Heal(cut)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
				defer cancel()
				if err := p.Wait(ctx); err != nil {
					t.Fatalf("%v: %+v", err, p.Stats())
				}
				l.again(t, 100)
				if err := <-ended; err != nil && c.Stats().Lost == 0 {
					t.Errorf("the request ended with %v: %+v", err, c.Stats())
				}
				noBadPeers(t, buses...)
			})
		})
	}
}

// faultsOfServices returns what a plan does to the same requests and tasks.
func faultsOfServices(t *testing.T, p bustest.Plan) (log []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, p)
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		serveDouble(t, buses[1])
		var l ledger
		newWorker(t, buses[1], l.handle, &pipeline.Options{Workers: 4})
		c, producer := newClient(t, buses[0], &request.Options{Timeout: time.Hour, Attempts: 1000}), newProducer(t, buses[0], nil)
		for i := range 50 {
			if reply, err := c.Do(t.Context(), i); err != nil || reply != 2*i {
				t.Errorf("twice %d is %d, %v", i, reply, err)
			}
		}
		sendTasks(t, producer, 0, 100)
		time.Sleep(5 * time.Second) // before anything is given again: that depends on who has had it
		synctest.Wait()
		log = slices.Sorted(slices.Values(f.Log()))
	})
	return log
}

func TestSeedReplaysTheFaultsOfRequestsAndTasks(t *testing.T) {
	t.Parallel()
	plan := bustest.Plan{Seed: 1, Drop: 0.1, Duplicate: 0.1, Delay: time.Second}
	first := faultsOfServices(t, plan)
	for _, kind := range []string{
		"billing dropped request", "billing duplicated request", "shop dropped reply", "billing dropped task", "billing duplicated task", "shop dropped ack",
		"shop duplicated ack",
	} {
		if !slices.ContainsFunc(first, func(line string) bool { return strings.HasPrefix(line, kind) }) {
			t.Errorf("no %s in %q", kind, first)
		}
	}
	if again := faultsOfServices(t, plan); !slices.Equal(first, again) {
		t.Errorf("the same seed has %q, and then %q", first, again)
	}
	plan.Seed = 2
	if other := faultsOfServices(t, plan); slices.Equal(first, other) {
		t.Error("another seed has the same faults")
	}
}

// refusing is a transport that refuses events when it is told to.
type refusing struct {
	transport.Transport
	refuses bool
}

func (r *refusing) Publish(m *transport.Message) error {
	if r.refuses {
		return errors.New("too large")
	}
	return r.Transport.Publish(m)
}

// TestRefusedPublish has an event that is not published while a peer is cut off: its number goes to one that the peer gets.
func TestRefusedPublish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{})
		open := bustest.Memory().Open(t)
		tiny := &refusing{Transport: open()}
		shop := bustest.New(t, &bus.Options{Transport: f.Wrap("shop", tiny)})
		billing := bustest.New(t, &bus.Options{Transport: f.Wrap("billing", open())})
		got := bustest.Record(t, billing, topic.NewPrefix[int](""))
		pub := newPublisher(t, shop, numbered, nil)
		publishNumbers(t, pub, 1, 1)
		f.Partition("billing")
		tiny.refuses = true
		if err := pub.Publish(t.Context(), 2); err == nil {
			t.Fatal("the event was published")
		}
		tiny.refuses = false
		f.Heal("billing")
		publishNumbers(t, pub, 3, 3)
		synctest.Wait()
		if values := valuesOf(got); !slices.Equal(values, []int{1, 3}) || billing.Stats().Lost != 0 {
			t.Errorf("received %v, %d lost", values, billing.Stats().Lost)
		}
	})
}

// TestDelayedEventsAreCountedOnce closes a bus while events wait for their time: received they are when the bus has them.
func TestDelayedEventsAreCountedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Seed: 2, Delay: time.Hour})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		bustest.AllowUndelivered(t, buses[1])
		got := bustest.Record(t, buses[1], numbered)
		publishNumbers(t, newPublisher(t, buses[0], numbered, nil), 1, 10)
		seen := func() uint64 {
			synctest.Wait()
			n := uint64(len(got.All()))
			if stats := buses[1].Stats().Transport; stats.Received != n || stats.Untaken != 0 {
				t.Errorf("%d events came: %+v", n, stats)
			}
			return n
		}
		before := seen()
		time.Sleep(30 * time.Minute)
		came := seen()
		if err := buses[1].Close(); err != nil {
			t.Error(err)
		}
		<-buses[1].Done()
		if stats := buses[1].Stats().Transport; before == came || came == 10 || stats.Received != came || stats.Untaken != 10-came {
			t.Errorf("%d of 10 events came, %d at once: %+v", came, before, stats)
		}
	})
}

// TestStepsInABubbleOfTheirOwn has the faults made outside of the bubble that the transports, and the time of the steps, are in.
func TestStepsInABubbleOfTheirOwn(t *testing.T) {
	t.Parallel()
	f := bustest.NewFaults(t, bustest.Plan{Steps: []bustest.Step{{At: time.Minute, Partition: "billing"}, {At: time.Hour, Heal: "billing"}}})
	synctest.Test(t, func(t *testing.T) {
		faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		for at, want := range []bustest.FaultStats{{}, {Partitions: 1}, {Partitions: 1, Heals: 1}} {
			time.Sleep([]time.Duration{time.Second, time.Minute, time.Hour}[at])
			if s := f.Stats(); s != want {
				t.Errorf("stats %+v, want %+v", s, want)
			}
		}
	})
}
