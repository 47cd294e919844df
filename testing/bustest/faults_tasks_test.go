package bustest_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
)

var enlarge = pipeline.NewTask[int]("images.resize")

// ledger counts how often tasks were handled.
type ledger struct {
	mu      sync.Mutex
	handled map[int]int
}

func (l *ledger) handle(_ context.Context, n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handled == nil {
		l.handled = map[int]int{}
	}
	l.handled[n]++
	return nil
}

// held is handle, when release is closed.
func (l *ledger) held(release <-chan struct{}) func(ctx context.Context, n int) error {
	return func(ctx context.Context, n int) error {
		<-release
		return l.handle(ctx, n)
	}
}

// again counts the tasks that were handled more than once. It fails the test if one of the first n was not handled at all.
func (l *ledger) again(t testing.TB, n int) (again int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range n {
		switch l.handled[i] {
		case 0:
			t.Errorf("task %d was not handled", i)
		case 1:
		default:
			again++
		}
	}
	return again
}

func newWorker(t testing.TB, b *bus.Bus, handler func(context.Context, int) error, o *pipeline.Options) *pipeline.Worker {
	t.Helper()
	w, err := pipeline.NewWorker(b, enlarge, handler, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newProducer(t testing.TB, b *bus.Bus, o *pipeline.ProducerOptions) *pipeline.Producer[int] {
	t.Helper()
	p, err := pipeline.NewProducer(b, enlarge, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sendTasks sends the numbers from first, and not last, on.
func sendTasks(t testing.TB, p *pipeline.Producer[int], first, last int) {
	t.Helper()
	for i := first; i < last; i++ {
		if err := p.Send(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
}

// allDone waits until every task is acknowledged.
func allDone(t testing.TB, p *pipeline.Producer[int]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Wait(ctx); err != nil {
		t.Fatalf("%v: %+v", err, p.Stats())
	}
}

// noBadPeers checks that no connection was ended because somebody has broken the protocol, such as by tasks without credit.
func noBadPeers(t testing.TB, buses ...*bus.Bus) {
	t.Helper()
	for _, b := range buses {
		if n := b.Stats().Transport.BadPeers; n > 0 {
			t.Errorf("%d peers of %s have broken the protocol", n, b.Name())
		}
	}
}

// TestTasksAreDoneAtLeastOnce has windows of all sizes, since credit is what a wrong count of it would break.
func TestTasksAreDoneAtLeastOnce(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]pipeline.Options{"one": {Workers: 1, Prefetch: 1}, "few": {Workers: 2, Prefetch: 2}, "many": {Workers: 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over(t, func(t *testing.T, n transporttest.Network) {
				f := bustest.NewFaults(t, bustest.Plan{Drop: 0.1, Duplicate: 0.3, Delay: time.Millisecond})
				buses := faultyBuses(t, f, n, "shop", "one", "two")
				var l ledger
				newWorker(t, buses[1], l.handle, &o)
				newWorker(t, buses[2], l.handle, &o)
				p := newProducer(t, buses[0], &pipeline.ProducerOptions{AckTimeout: 20 * time.Millisecond, Attempts: -1})
				sendTasks(t, p, 0, 200)
				allDone(t, p)
				if l.again(t, 200) == 0 {
					t.Error("no task was handled twice")
				}
				if s := f.Stats(); s.Dropped == 0 || s.Duplicated == 0 || s.Delayed == 0 {
					t.Errorf("stats %+v", s)
				}
				noBadPeers(t, buses...)
			})
		})
	}
}

// TestDuplicatedTasksAreHandledTwice has a worker that wants one task at a time: the second one waits for its credit.
func TestDuplicatedTasksAreHandledTwice(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, n transporttest.Network) {
		f, open := bustest.NewFaults(t, bustest.Plan{Duplicate: 1}), n.Open(t)
		shop := bustest.New(t, &bus.Options{Name: "shop", Transport: open()})
		works := bustest.New(t, &bus.Options{Name: "works", Transport: f.Wrap("works", open())})
		handled := make(chan int, 100)
		w := newWorker(t, works, func(_ context.Context, n int) error {
			handled <- n
			return nil
		}, &pipeline.Options{Prefetch: 1})
		p := newProducer(t, shop, nil)
		sendTasks(t, p, 0, 20)
		var all []int
		for range 40 {
			all = append(all, <-handled)
		}
		slices.Sort(all)
		for i, n := range all {
			if n != i/2 {
				t.Fatalf("handled %v", all)
			}
		}
		allDone(t, p)
		if s := w.Stats(); s.Begun != 40 {
			t.Errorf("stats %+v", s)
		}
		noBadPeers(t, shop, works)
	})
}

// TestDroppedTasksKeepTheCredit drops most tasks: a worker whose credit was lost with them would get no more. There are two, since a task that
// one has had for too long goes to another one.
func TestDroppedTasksKeepTheCredit(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, n transporttest.Network) {
		f, open := bustest.NewFaults(t, bustest.Plan{Drop: 0.7}), n.Open(t)
		shop := bustest.New(t, &bus.Options{Name: "shop", Transport: open()})
		var l ledger
		for _, name := range []string{"one", "two"} {
			b := bustest.New(t, &bus.Options{Name: name, Transport: f.Wrap(name, open())})
			newWorker(t, b, l.handle, &pipeline.Options{Workers: 2, Prefetch: 2})
			defer noBadPeers(t, b)
		}
		p := newProducer(t, shop, &pipeline.ProducerOptions{AckTimeout: 5 * time.Millisecond, Attempts: -1})
		sendTasks(t, p, 0, 30)
		allDone(t, p)
		if l.again(t, 30); f.Stats().Dropped < 10 {
			t.Errorf("stats %+v", f.Stats())
		}
		noBadPeers(t, shop)
	})
}

// TestDroppedAcksHaveTasksGivenAgain drops nothing on the way to the worker. The producer has one of its own as well, since a task that one worker
// has had for too long goes to another one.
func TestDroppedAcksHaveTasksGivenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Drop: 0.5, Duplicate: 0.5}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Name: "shop", Transport: f.Wrap("shop", open())})
		works := bustest.New(t, &bus.Options{Name: "works", Transport: open()})
		var l ledger
		slow := func(ctx context.Context, n int) error {
			time.Sleep(time.Millisecond) // so that neither worker does nearly all of them
			return l.handle(ctx, n)
		}
		newWorker(t, works, slow, nil)
		newWorker(t, shop, slow, nil)
		p := newProducer(t, shop, &pipeline.ProducerOptions{Attempts: -1})
		if err := p.WaitWorkers(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		sendTasks(t, p, 0, 1000)
		allDone(t, p)
		var dropped []int
		for _, n := range numbersIn(t, f.Log(), "shop dropped ack of images.resize") {
			if !slices.Contains(dropped, n) {
				dropped = append(dropped, n)
			}
		}
		if again := l.again(t, 1000); again != len(dropped) || again == 0 {
			t.Errorf("%d were handled again, the acknowledgements of %d were dropped", again, len(dropped))
		}
		if s, p := f.Stats(), p.Stats(); s.Duplicated == 0 || p.Unknown < s.Duplicated {
			t.Errorf("stats %+v, of the producer %+v", s, p)
		}
		noBadPeers(t, shop, works)
	})
}

// TestPartitionsOfPipelines cuts each side, with faults on that side only and on both, again and again.
func TestPartitionsOfPipelines(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		wrapped []string
		cut     string
	}{
		{"producer of both", []string{"shop", "works"}, "shop"},
		{"producer alone", []string{"shop"}, "shop"},
		{"worker of both", []string{"shop", "works"}, "works"},
		{"worker alone", []string{"works"}, "works"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			over(t, func(t *testing.T, n transporttest.Network) {
				f, open := bustest.NewFaults(t, bustest.Plan{Duplicate: 0.2}), n.Open(t)
				var buses []*bus.Bus
				for _, name := range []string{"shop", "works"} {
					tr := open()
					if slices.Contains(tc.wrapped, name) {
						tr = f.Wrap(name, tr)
					}
					buses = append(buses, bustest.New(t, &bus.Options{Name: name, Transport: tr}))
				}
				var l ledger
				w := newWorker(t, buses[1], l.handle, &pipeline.Options{Workers: 2, Prefetch: 3})
				// A lost connection gives tasks again at once: nothing waits for AckTimeout.
				p := newProducer(t, buses[0], &pipeline.ProducerOptions{AckTimeout: -1, Attempts: -1})
				for round := range 10 {
					sendTasks(t, p, 20*round, 20*round+10)
					f.Partition(tc.cut)
					sendTasks(t, p, 20*round+10, 20*round+20)
					if slices.Contains(tc.wrapped, "shop") && tc.cut == "shop" {
						none(t, func(ctx context.Context) error { return p.WaitWorkers(ctx, 1) })
					}
					if slices.Contains(tc.wrapped, tc.cut) && tc.cut == "works" {
						none(t, func(ctx context.Context) error { return w.WaitProducers(ctx, 1) })
					}
					f.Heal(tc.cut)
				}
				allDone(t, p)
				l.again(t, 200)
				if err := p.WaitWorkers(t.Context(), 1); err != nil {
					t.Error(err)
				}
				noBadPeers(t, buses...)
			})
		})
	}
}

// none checks that what is waited for is not there.
func none(t testing.TB, wait func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if wait(ctx) == nil {
		t.Error("there is a peer behind the cut")
	}
}

// TestKilledWorkersLoseNoTasks has the worker that is killed hold some.
func TestKilledWorkersLoseNoTasks(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, n transporttest.Network) {
		f := bustest.NewFaults(t, bustest.Plan{Delay: time.Millisecond})
		buses := faultyBuses(t, f, n, "shop", "one", "two")
		began := make(chan struct{}, 100)
		newWorker(t, buses[1], func(ctx context.Context, _ int) error {
			began <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}, nil)
		p := newProducer(t, buses[0], &pipeline.ProducerOptions{AckTimeout: -1})
		sendTasks(t, p, 0, 50)
		<-began
		f.Kill("one")
		var l ledger
		newWorker(t, buses[2], l.handle, nil)
		allDone(t, p)
		l.again(t, 50)
	})
}

// TestShutdownWaitsForWhatIsDelayed ends a producer whose tasks and acknowledgements are still on their way.
func TestShutdownWaitsForWhatIsDelayed(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, n transporttest.Network) {
		f := bustest.NewFaults(t, bustest.Plan{Delay: 5 * time.Millisecond})
		buses := faultyBuses(t, f, n, "shop", "works")
		var l ledger
		newWorker(t, buses[1], l.handle, nil)
		p := newProducer(t, buses[0], nil)
		sendTasks(t, p, 0, 50)
		for _, b := range buses {
			if err := b.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if again := l.again(t, 50); again != 0 || p.Stats().Acknowledged != 50 {
			t.Errorf("%d tasks were handled again; stats %+v", again, p.Stats())
		}
	})
}
