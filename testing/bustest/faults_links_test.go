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
	"github.com/fanfare-go/fanfare/transport"
)

// TestDelaysAloneRepeatNothing has a worker end properly while its acknowledgements are on their way: the end comes after them.
func TestDelaysAloneRepeatNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Delay: time.Second})
		buses := faultyBuses(t, f, bustest.Memory(), "shop", "one", "two")
		var l ledger
		newWorker(t, buses[1], l.handle, nil)
		p := newProducer(t, buses[0], nil)
		sendTasks(t, p, 0, 50)
		time.Sleep(1500 * time.Millisecond)
		newWorker(t, buses[2], l.handle, nil)
		if err := buses[1].Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		allDone(t, p)
		if again := l.again(t, 50); again != 0 || f.Stats().Lost != 0 {
			t.Errorf("%d tasks were handled again: %+v", again, f.Stats())
		}
	})
}

// TestLateTasksComeBeforeTheEnd has a producer end while its tasks are on their way to the worker, which gets all of them.
func TestLateTasksComeBeforeTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Delay: time.Minute}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Transport: open()})
		works := bustest.New(t, &bus.Options{Transport: f.Wrap("works", open())})
		var l ledger
		w := newWorker(t, works, l.handle, nil)
		p := newProducer(t, shop, nil)
		sendTasks(t, p, 0, 16)
		synctest.Wait()
		bustest.AllowUndelivered(t, shop)
		if err := shop.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if err := w.WaitProducers(t.Context(), 1); err != nil { // as long as tasks of it are to come
			t.Error(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := w.Stats(); s.Received != 16 || f.Stats().Lost != 0 { // it gives those back that it has not begun
			t.Errorf("%d of 16 tasks came, %d were lost", s.Received, f.Stats().Lost)
		}
		none(t, func(ctx context.Context) error { return w.WaitProducers(ctx, 1) })
	})
}

// gate is a sink that waits with the first task until it is opened.
type gate struct {
	taking
	began, open chan struct{}
	once        sync.Once
}

func newGate() *gate { return &gate{began: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) Tasks(p transport.TaskProducer, tasks []transport.Message) int {
	g.once.Do(func() { close(g.began) })
	<-g.open
	return g.taking.Tasks(p, tasks)
}

// TestKillDoesNotWaitForTheBus has a sink and a server that wait: a process does not wait for those when it is killed.
func TestKillDoesNotWaitForTheBus(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{0, time.Second} {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, open := bustest.NewFaults(t, bustest.Plan{Delay: delay}), bustest.Memory().Open(t)
				shop := bustest.New(t, &bus.Options{Transport: open()})
				bustest.AllowUndelivered(t, shop)
				works, sink := f.Wrap("works", open()), newGate()
				if _, err := works.(transport.Tasker).Work(sink); err != nil {
					t.Fatal(err)
				}
				sendTasks(t, newProducer(t, shop, nil), 1, 4)
				<-sink.began
				f.Kill("works") // which would be a deadlock of the bubble
				if _, err := works.(transport.Tasker).Work(sink); err == nil {
					t.Error("the transport has not ended")
				}
				close(sink.open)
				if err := works.Close(); err != nil {
					t.Error(err)
				}
				if s := works.Stats(); !slices.Equal(sink.tasks, []string{"1"}) || s.Received != 1 || s.Untaken != 2 {
					t.Errorf("the sink has %q: %+v", sink.tasks, s)
				}
			})
		})
	}
}

// TestWaitingSinksHoldTheirProducerBack has a worker that takes nothing: delays give its producer no more room than there would be.
func TestWaitingSinksHoldTheirProducerBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Delay: time.Second}), bustest.Memory().Open(t)
		works, sink := f.Wrap("works", open()), newGate()
		if _, err := works.(transport.Tasker).Work(sink); err != nil {
			t.Fatal(err)
		}
		shop, source := open().(transport.Tasker), &workers{up: make(chan transport.TaskWorker, 1)}
		if _, err := shop.Produce(source); err != nil {
			t.Fatal(err)
		}
		worker, sent := <-source.up, 0
		for ; sent < 10_000; sent++ {
			if _, err := worker.Send(&transport.Message{Topic: "images.resize", Payload: [][]byte{{'x'}}}); err != nil {
				break
			}
			<-sink.began
			synctest.Wait()
		}
		if sent < 1000 || sent > 3000 {
			t.Errorf("%d tasks were sent to a worker that takes none", sent)
		}
		close(sink.open)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(sink.tasks) != sent {
			t.Errorf("%d tasks were sent, the worker has %d", sent, len(sink.tasks))
		}
		for _, tr := range []transport.Transport{shop, works} {
			if err := tr.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// workers is a source that tells who is there.
type workers struct{ up chan transport.TaskWorker }

func (s *workers) WorkerUp(w transport.TaskWorker)                                { s.up <- w }
func (*workers) Credit(transport.TaskWorker, string, uint32)                      {}
func (*workers) Ack(transport.TaskWorker, string, uint64, uint32)                 {}
func (*workers) Nack(transport.TaskWorker, string, uint64, time.Duration, string) {}
func (*workers) Written(transport.TaskWorker)                                     {}
func (*workers) WorkerDown(transport.TaskWorker, error)                           {}

// TestReleasedSinksHearNothing has tasks on their way when the worker ends: nobody gets them, and they are counted.
func TestReleasedSinksHearNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Delay: time.Minute}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Transport: open()})
		bustest.AllowUndelivered(t, shop)
		works := f.Wrap("works", open())
		var first, second taking
		release, err := works.(transport.Tasker).Work(&first)
		if err != nil {
			t.Fatal(err)
		}
		sendTasks(t, newProducer(t, shop, &pipeline.ProducerOptions{AckTimeout: -1}), 1, 10)
		synctest.Wait()
		release()
		if _, err := works.(transport.Tasker).Work(&second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := works.Stats(); len(first.tasks) > 0 || s.Untaken != 3 || s.Received != uint64(len(second.tasks)) {
			t.Errorf("the first sink has %q, the second one %q: %+v", first.tasks, second.tasks, s)
		}
		if err := works.Close(); err != nil {
			t.Error(err)
		}
	})
}
