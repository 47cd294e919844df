package bustest_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// TestPlainMessages have no numbers: each is known by how many there were before it.
func TestPlainMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Seed: 3, Drop: 0.2, Duplicate: 0.2})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
		got := bustest.Record(t, buses[1], numbered)
		publishNumbers(t, newPublisher(t, buses[0], numbered, &publisher.Options{Plain: true}), 1, 100)
		synctest.Wait()
		s := f.Stats()
		if n := uint64(len(got.All())); s.Dropped == 0 || s.Duplicated == 0 || n != 100-s.Dropped+s.Duplicated {
			t.Errorf("received %d events; stats %+v", n, s)
		}
		if !slices.Equal(numbersIn(t, f.Log(), "billing dropped numbers"), missing(valuesOf(got), 100)) {
			t.Errorf("dropped %v, missing %v", numbersIn(t, f.Log(), "billing dropped numbers"), missing(valuesOf(got), 100))
		}

		serve(t, buses[1])
		c := newClient(t, buses[0], &request.Options{Plain: true, Attempts: 100})
		for i := range 20 {
			if reply, err := c.Do(t.Context(), i); err != nil || reply != 2*i {
				t.Errorf("twice %d is %d, %v", i, reply, err)
			}
		}
	})
}

// serve serves plain requests on b.
func serve(t testing.TB, b *bus.Bus) {
	t.Helper()
	_, err := request.Serve(b, double, func(_ context.Context, n int) (int, error) { return 2 * n, nil }, &request.ServeOptions{Default: true})
	if err != nil {
		t.Fatal(err)
	}
}

// missing returns the numbers from 1 to n that are not among some.
func missing(some []int, n int) (all []int) {
	return slices.DeleteFunc(upTo(1, n), func(i int) bool { return slices.Contains(some, i) })
}

// TestPlainTasks go to a worker that gives credit for them, but no word of what became of them: what is lost is lost.
func TestPlainTasks(t *testing.T) {
	t.Parallel()
	f := bustest.NewFaults(t, bustest.Plan{Drop: 0.2, Duplicate: 0.2})
	pushes, err := zmq.New(&zmq.Options{Push: zmq.Bind("tcp://127.0.0.1:0"), Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	pulls, err := zmq.New(&zmq.Options{Pull: zmq.Connect(pushes.Bound().Push...)})
	if err != nil {
		t.Fatal(err)
	}
	shop := bustest.New(t, &bus.Options{Name: "shop", Transport: f.Wrap("shop", pushes)})
	works := bustest.New(t, &bus.Options{Name: "works", Transport: f.Wrap("works", pulls)})
	var l ledger
	w, err := pipeline.NewWorker(works, pipeline.NewTask[int]("anything"), l.handle, &pipeline.Options{Default: true, Prefetch: 4})
	if err != nil {
		t.Fatal(err)
	}
	p := newProducer(t, shop, &pipeline.ProducerOptions{Plain: true})
	sendTasks(t, p, 0, 200)
	allDone(t, p)
	f.Partition("works")
	f.Heal("works")
	sendTasks(t, p, 200, 400)
	allDone(t, p)
	if err := shop.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := works.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	faults, begun := f.Stats(), w.Stats().Begun
	if faults.Dropped == 0 || faults.Duplicated == 0 || begun < 400-faults.Dropped-faults.Lost || begun > 400-faults.Dropped-faults.Lost+faults.Duplicated {
		t.Errorf("%d tasks were handled; stats %+v", begun, faults)
	}
	noBadPeers(t, shop, works)
}

// TestPlainMessagesAreCountedOnce has some that are not there any more when those come that are counted.
func TestPlainMessagesAreCountedOnce(t *testing.T) {
	t.Parallel()
	t.Run("events", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := bustest.NewFaults(t, bustest.Plan{Duplicate: 1})
			buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
			bustest.Record(t, buses[0], numbered)
			synctest.Wait()
			f.Partition("shop")
			publishNumbers(t, newPublisher(t, buses[0], numbered, &publisher.Options{Plain: true}), 1, 2)
			f.Heal("shop")
			publishNumbers(t, newPublisher(t, buses[1], numbered, &publisher.Options{Plain: true}), 1, 2)
			synctest.Wait()
			want := []string{
				"shop partitioned", "shop lost numbers #1 in the partition", "shop lost numbers #2 in the partition", "shop healed",
				"shop duplicated numbers #1", "shop duplicated numbers #2",
			}
			if got := f.Log(); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	})
	t.Run("tasks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := bustest.NewFaults(t, bustest.Plan{Duplicate: 1})
			buses := faultyBuses(t, f, bustest.Memory(), "shop", "works")
			p := newProducer(t, buses[0], &pipeline.ProducerOptions{Plain: true})
			for round := range 2 { // of a worker that has room for two tasks, and takes that back before they come again
				var l ledger
				blocked := make(chan struct{})
				w, err := pipeline.NewWorker(buses[1], pipeline.NewTask[int]("anything"), func(ctx context.Context, n int) error {
					<-blocked
					return l.handle(ctx, n)
				}, &pipeline.Options{Default: true, Prefetch: 2})
				if err != nil {
					t.Fatal(err)
				}
				sendTasks(t, p, 2*round, 2*round+2)
				synctest.Wait()
				time.AfterFunc(time.Second, func() { close(blocked) })
				if err := w.Close(); err != nil {
					t.Error(err)
				}
				<-w.Done()
			}
			want := []string{"works duplicated task #1", "works duplicated task #2", "works duplicated task #3", "works duplicated task #4"}
			if got := f.Log(); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	})
}

// TestPlainEventsAreNumberedAsTheyArrive publishes plain events in a partition, which changes nothing about what becomes of others.
func TestPlainEventsAreNumberedAsTheyArrive(t *testing.T) {
	t.Parallel()
	received := func(others int) (values []int) {
		synctest.Test(t, func(t *testing.T) {
			f := bustest.NewFaults(t, bustest.Plan{Seed: 3, Drop: 0.3})
			buses := faultyBuses(t, f, bustest.Memory(), "shop", "billing")
			got := bustest.Record(t, buses[1], numbered)
			pub := newPublisher(t, buses[0], numbered, &publisher.Options{Plain: true})
			own := newPublisher(t, buses[1], numbered, &publisher.Options{Plain: true})
			synctest.Wait()
			f.Partition("billing")
			publishNumbers(t, own, 1001, 1000+others)
			f.Heal("billing")
			publishNumbers(t, pub, 1, 20)
			synctest.Wait()
			values = slices.DeleteFunc(valuesOf(got), func(n int) bool { return n > 1000 })
		})
		return values
	}
	if none, some := received(0), received(3); !slices.Equal(none, some) || len(none) == 0 || len(none) == 20 {
		t.Errorf("received %v, and %v when the receiver has published as well", none, some)
	}
}
