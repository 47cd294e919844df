package bustest_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
)

// TestPartitionLosesEvents publishes in both directions, and gives nobody time to read: what is lost is decided when it is published.
func TestPartitionLosesEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing", "stock")
		var recorders []*bustest.Recorder[int]
		var pubs []*publisher.Publisher[int]
		for _, b := range buses {
			recorders = append(recorders, bustest.Record(t, b, numbered))
			pubs = append(pubs, newPublisher(t, b, numbered, nil))
		}
		for _, pub := range pubs[:2] {
			publishNumbers(t, pub, 1, 2)
		}
		f.Partition("billing")
		for _, pub := range pubs[:2] {
			publishNumbers(t, pub, 3, 4)
		}
		f.Heal("billing")
		for _, pub := range pubs[:2] {
			publishNumbers(t, pub, 5, 5)
		}
		synctest.Wait()
		name := []string{"shop", "billing", "stock"}
		for i, want := range [][]int{
			{1, 1, 2, 2, 3, 4, 5, 5}, // its own, and those of billing but for 3 and 4
			{1, 1, 2, 2, 3, 4, 5, 5}, // the same the other way round
			{1, 1, 2, 2, 3, 4, 5, 5}, // both, but for 3 and 4 of billing
		} {
			if values := slices.Sorted(slices.Values(valuesOf(recorders[i]))); !slices.Equal(values, want) {
				t.Errorf("%s has %v, want %v", name[i], values, want)
			}
		}
		for i, lost := range []uint64{2, 2, 2} {
			if s := buses[i].Stats(); s.Lost != lost {
				t.Errorf("%s misses %d events, want %d", name[i], s.Lost, lost)
			}
		}
		if s := f.Stats(); s != (bustest.FaultStats{Lost: 4, Partitions: 1, Heals: 1}) {
			t.Errorf("stats %+v", s)
		}
		for _, line := range []string{"billing lost numbers #3 in the partition", "billing lost numbers #4 from shop in the partition"} {
			if !slices.Contains(f.Log(), line) {
				t.Errorf("log %q has no %q", f.Log(), line)
			}
		}
	})
}

// TestPartitionOfSomebodyElsesPublisher has a publisher that no faults know: what comes in the meantime is lost.
func TestPartitionFromAPeerWithoutFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Transport: open()})
		billing := bustest.New(t, &bus.Options{Transport: f.Wrap("billing", open())})
		got := bustest.Record(t, billing, numbered)
		pub := newPublisher(t, shop, numbered, nil)
		for n, do := range []func(){func() {}, func() { f.Partition("billing") }, func() { f.Heal("billing") }} {
			do()
			publishNumbers(t, pub, n, n)
			synctest.Wait()
		}
		if values := valuesOf(got); !slices.Equal(values, []int{0, 2}) {
			t.Errorf("received %v", values)
		}
	})
}

func TestPartitionIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		var notices []string
		buses[1].Notices(func(n bus.Notice) {
			switch n := n.(type) {
			case bus.PeerUp:
				notices = append(notices, "up")
			case bus.PeerDown:
				notices = append(notices, "down: "+n.Err.Error())
			}
		})
		got := bustest.Record(t, buses[1], numbered)
		pub := newPublisher(t, buses[1], numbered, nil)
		bustest.Record(t, buses[0], numbered)
		synctest.Wait()
		notices = nil
		readiness := func() (ready, publishers, subscribers error) {
			now, cancel := context.WithCancel(t.Context())
			cancel()
			return got.Subscription().Ready(now), got.Subscription().WaitPublishers(now, 2), pub.WaitSubscribers(now, 2)
		}
		if a, b, c := readiness(); errors.Join(a, b, c) != nil {
			t.Fatalf("before the partition: %v, %v, %v", a, b, c)
		}

		f.Partition("billing")
		f.Partition("billing") // which is no other one
		synctest.Wait()
		ready, publishers, subscribers := readiness()
		for want, err := range map[string]error{
			"billing: partitioned by bustest.Faults": ready, `1 of 2 publishers`: publishers, `1 of 2 subscribers`: subscribers,
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		}
		waited := make(chan error, 1)
		go func() { waited <- got.Subscription().WaitPublishers(t.Context(), 2) }()
		synctest.Wait()

		f.Heal("billing")
		f.Heal("billing")
		if err := <-waited; err != nil {
			t.Errorf("after the partition: %v", err)
		}
		if a, b, c := readiness(); errors.Join(a, b, c) != nil {
			t.Errorf("after the partition: %v, %v, %v", a, b, c)
		}
		synctest.Wait()
		if want := []string{"down: partitioned by bustest.Faults", "up"}; !slices.Equal(slices.Compact(notices), want) {
			t.Errorf("notices %q, want %q", notices, want)
		}
		if s := f.Stats(); s.Partitions != 1 || s.Heals != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestPartitionAndRetainedEvents: what was published on either side of a partition, and is kept, is there after it.
func TestPartitionAndRetainedEvents(t *testing.T) {
	t.Parallel()
	for _, cut := range []string{"shop", "billing"} {
		t.Run(cut, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := bustest.NewFaults(t, bustest.Plan{})
				buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
				got := bustest.Record(t, buses[1], numbered)
				pub := newPublisher(t, buses[0], numbered, &publisher.Options{Retain: publisher.RetainLast})
				publishNumbers(t, pub, 1, 1)
				synctest.Wait()
				f.Partition(cut)
				publishNumbers(t, pub, 2, 4)
				synctest.Wait()
				if values := valuesOf(got); !slices.Equal(values, []int{1}) {
					t.Errorf("received %v in the partition", values)
				}
				f.Heal(cut)
				publishNumbers(t, pub, 5, 5)
				synctest.Wait()
				if values := valuesOf(got); !slices.Equal(values, []int{1, 4, 5}) {
					t.Errorf("received %v, the last one of the partition must be among it", values)
				}
			})
		})
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Delay: 5 * time.Second}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Transport: f.Wrap("shop", open())})
		tr := f.Wrap("billing", open())
		billing := bustest.New(t, &bus.Options{Transport: tr})
		down := 0
		shop.Notices(func(n bus.Notice) {
			if _, ok := n.(bus.PeerDown); ok {
				down++
			}
		})
		got := bustest.Record(t, billing, numbered)
		synctest.Wait()
		publishNumbers(t, newPublisher(t, shop, numbered, nil), 1, 1)
		synctest.Wait()
		f.Kill("billing")
		f.Kill("billing")
		f.Partition("billing") // of which nothing is left
		synctest.Wait()
		if _, err := tr.Receive(t.Context(), make([]transport.Message, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Receive returns %v", err)
		}
		if err := newPublisher(t, billing, numbered, nil).Publish(t.Context(), 1); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Publish returns %v", err)
		}
		if down == 0 {
			t.Error("the peer has not noticed")
		}
		if s := tr.Stats(); len(got.All()) > 1 || s.Untaken != 1 {
			t.Errorf("received %v; %d untaken", got.All(), s.Untaken)
		}
		if s := f.Stats(); s.Kills != 1 || s.Partitions != 0 {
			t.Errorf("stats %+v", s)
		}
		again := bustest.New(t, &bus.Options{Transport: f.Wrap("billing", open())})
		recorder := bustest.Record(t, again, numbered)
		publishNumbers(t, newPublisher(t, shop, numbered, nil), 2, 2)
		recorder.Wait(1)
	})
}

// TestKillsAreCountedOnce has several goroutines kill the same transport at once.
func TestKillsAreCountedOnce(t *testing.T) {
	t.Parallel()
	const rounds = 200
	f, open := bustest.NewFaults(t, bustest.Plan{}), bustest.Memory().Open(t)
	for range rounds {
		tr := f.Wrap("billing", open())
		begin := make(chan struct{})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				<-begin
				f.Kill("billing")
			})
		}
		close(begin)
		all.Wait()
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	}
	if s := f.Stats(); s.Kills != rounds || len(f.Log()) != rounds {
		t.Errorf("%d kills of %d transports", s.Kills, rounds)
	}
}
