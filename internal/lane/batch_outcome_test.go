package lane

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// All of a batch is running until its handler has returned, whose outcomes are those of the events. Those it does not set are failures.
func TestBatchOutcomes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		step := make(chan struct{})
		q, m, b := newBatches(Config{Batch: &Batch{Size: 4}}, plain(), func(events []event, outcomes []Outcome) {
			<-step
			for i, e := range events {
				switch e.id {
				case 1, 3:
					outcomes[i] = Succeeded
				case 2:
					outcomes[i] = Filtered
				case 5:
					panic("five")
				case 6:
					runtime.Goexit()
				case 7:
					defer panic("seven")
					runtime.Goexit()
				}
			}
		})
		publish(t, q, numbered(1, 4)...)
		synctest.Wait()
		running := func(k uint64) {
			t.Helper()
			if n := balanced(t, &m.Member); n.Running != k {
				t.Errorf("%+v, want %d running", n, k)
			}
		}
		running(4)
		step <- struct{}{}
		synctest.Wait()
		if n := balanced(t, &m.Member); n.Succeeded != 2 || n.Filtered != 1 || n.Failed != 1 {
			t.Errorf("%+v", n)
		}
		for _, first := range []int{5, 6, 7} { // these fail with all that is beside them
			publish(t, q, event{id: first}, event{id: 1}, event{id: 2})
			synctest.Wait()
			running(3)
			step <- struct{}{}
			synctest.Wait()
			running(0)
		}
		if n := balanced(t, &m.Member); n.Succeeded != 2 || n.Filtered != 1 || n.Failed != 10 {
			t.Errorf("%+v", n)
		}
		if b.aborted != 3 {
			t.Errorf("aborted %d times", b.aborted)
		}
		publish(t, q, numbered(1, 2)...)
		synctest.Wait()
		m.Close()
		if n := balanced(t, &m.Member); n.Running != 2 || n.Abandoned != 0 || ended(&m.Member) {
			t.Errorf("%+v", n)
		}
		step <- struct{}{}
		synctest.Wait()
		if n := balanced(t, &m.Member); n.Succeeded != 3 || n.Filtered != 2 || !ended(&m.Member) {
			t.Errorf("%+v", n)
		}
	})
}

// A batch that was handed over before the end, and not begun, is abandoned as a whole.
func TestBatchTakenBeforeTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, m, b := newBatches(Config{Batch: &Batch{Size: 3}}, plain(), nil)
		q.Lock()
		for _, e := range numbered(1, 4) {
			q.Append(&e)
		}
		q.Unlock()
		w := &runner[event]{source: q, consumer: m, handler: b}
		w.member, w.alert, w.whole = &m.Member, &q.alert, true
		q.Lock()
		m.enter(&w.Worker)
		q.hand(w)
		q.Unlock()
		m.Close()
		w.run()
		synctest.Wait()
		if n := balanced(t, &m.Member); n.Abandoned != 4 || len(b.sizes()) > 0 || !ended(&m.Member) {
			t.Errorf("%+v", n)
		}
	})
}

// What was in a batch is not kept when it is done: neither while the worker lingers for the next one, nor after a smaller one.
func TestBatchKeepsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var memory []event
		q, m, _ := newBatches(Config{Batch: &Batch{Size: 3, Linger: time.Second}}, plain(), func(events []event, _ []Outcome) {
			if memory == nil {
				memory = events[:cap(events)]
			}
		})
		publish(t, q, numbered(1, 4)...)
		for range 2 {
			synctest.Wait()
			q.Lock()
			for _, e := range memory {
				if e != (event{}) {
					t.Errorf("%v is kept", e)
				}
			}
			q.Unlock()
			pass(time.Second)
		}
		if n := m.Totals(); n.Failed != 4 {
			t.Errorf("%+v", n)
		}
		m.Close()
	})
}
