package bustest_test

import (
	"context"
	"fmt"
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

// pipe is a producer and a worker, of which one side or both have faults.
type pipe struct {
	*bustest.Faults
	shop, works *bus.Bus
	both        bool // have faults
}

// pipes runs a test for all sides that can be cut off.
func pipes(t *testing.T, body func(t *testing.T, p pipe, cut string)) {
	t.Helper()
	for _, cut := range []string{"shop", "works"} {
		for _, both := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, both %t", cut, both), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f, open := bustest.NewFaults(t, bustest.Plan{}), bustest.Memory().Open(t)
					member := func(name string) *bus.Bus {
						tr := open()
						if both || name == cut {
							tr = f.Wrap(name, tr)
						}
						return bustest.New(t, &bus.Options{Name: name, Transport: tr})
					}
					p := pipe{f, member("shop"), member("works"), both}
					body(t, p, cut)
					noBadPeers(t, p.shop, p.works)
				})
			})
		}
	}
}

// TestCreditIsThereAfterAPartition has nothing under way when it begins: nothing but what the credit was before says what it is.
func TestCreditIsThereAfterAPartition(t *testing.T) {
	t.Parallel()
	pipes(t, func(t *testing.T, pipe pipe, cut string) {
		var l ledger
		w := newWorker(t, pipe.works, l.handle, &pipeline.Options{Prefetch: 2})
		p := newProducer(t, pipe.shop, nil)
		synctest.Wait()
		for round := range 3 {
			pipe.Partition(cut)
			synctest.Wait()
			none(t, func(ctx context.Context) error { return p.WaitWorkers(ctx, 1) })
			if cut == "works" || pipe.both && round > 0 { // it knows whose tasks it has had
				none(t, func(ctx context.Context) error { return w.WaitProducers(ctx, 1) })
			}
			pipe.Heal(cut)
			synctest.Wait()
			sendTasks(t, p, 5*round, 5*round+5)
			allDone(t, p)
		}
		if again := l.again(t, 15); again != 0 {
			t.Errorf("%d tasks were handled again", again)
		}
	})
}

// TestCreditOfHeldTasksIsUsed has the worker hold as many tasks as it may: after the partition it gets no more than before.
func TestCreditOfHeldTasksIsUsed(t *testing.T) {
	t.Parallel()
	pipes(t, func(t *testing.T, pipe pipe, cut string) {
		var l ledger
		release := make(chan struct{})
		newWorker(t, pipe.works, l.held(release), &pipeline.Options{Prefetch: 2})
		p := newProducer(t, pipe.shop, nil)
		sendTasks(t, p, 0, 20)
		synctest.Wait()
		pipe.Partition(cut)
		pipe.Heal(cut)
		synctest.Wait()
		close(release)
		allDone(t, p)
		l.again(t, 20)
	})
}

// TestTasksInFlightAtAPartition has tasks arrive after it that were sent before, at a worker that then has more than it has asked for.
func TestTasksInFlightAtAPartition(t *testing.T) {
	t.Parallel()
	pipes(t, func(t *testing.T, pipe pipe, cut string) {
		var l ledger
		release := make(chan struct{})
		newWorker(t, pipe.works, l.held(release), &pipeline.Options{Prefetch: 4})
		p := newProducer(t, pipe.shop, &pipeline.ProducerOptions{AckTimeout: -1})
		if err := p.WaitWorkers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		sendTasks(t, p, 0, 20)
		pipe.Partition(cut)
		pipe.Heal(cut)
		synctest.Wait()
		close(release)
		allDone(t, p)
		l.again(t, 20)
	})
}

// TestTasksWaitForTheEndOfAPartition has none of them fail in between.
func TestTasksWaitForTheEndOfAPartition(t *testing.T) {
	t.Parallel()
	pipes(t, func(t *testing.T, pipe pipe, cut string) {
		var l ledger
		newWorker(t, pipe.works, l.handle, nil)
		p := newProducer(t, pipe.shop, nil)
		synctest.Wait()
		pipe.Partition(cut)
		synctest.Wait()
		sendTasks(t, p, 0, 20)
		synctest.Wait()
		if s := p.Stats(); s.Waiting != 20 || pipe.Stats().Lost != 0 {
			t.Errorf("in the partition %+v, %d were sent into the cut", s, pipe.Stats().Lost)
		}
		pipe.Heal(cut)
		allDone(t, p)
		if again := l.again(t, 20); again != 0 {
			t.Errorf("%d tasks were handled again", again)
		}
	})
}

// taking is a sink that gives credit for three tasks, and acknowledges none.
type taking struct {
	mu    sync.Mutex
	tasks []string
}

func (*taking) ProducerUp(p transport.TaskProducer)        { p.Credit("images.resize", 3) }
func (*taking) ProducerDown(transport.TaskProducer, error) {}

func (s *taking) Tasks(_ transport.TaskProducer, tasks []transport.Message) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range tasks {
		s.tasks = append(s.tasks, string(m.Payload[0]))
	}
	return len(tasks)
}

// TestShutdownHandsOverWhatIsDelayed has tasks that would come tomorrow.
func TestShutdownHandsOverWhatIsDelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{Delay: 24 * time.Hour}), bustest.Memory().Open(t)
		shop := bustest.New(t, &bus.Options{Transport: open()})
		bustest.AllowUndelivered(t, shop) // who takes the tasks does not say what becomes of them
		p := newProducer(t, shop, nil)
		works := f.Wrap("works", open())
		var s taking
		if _, err := works.(transport.Tasker).Work(&s); err != nil {
			t.Fatal(err)
		}
		sendTasks(t, p, 1, 4)
		synctest.Wait()
		began := time.Now()
		if err := works.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if !slices.Equal(s.tasks, []string{"1", "2", "3"}) || time.Since(began) != 0 {
			t.Errorf("after %v tasks %q", time.Since(began), s.tasks)
		}
	})
}
