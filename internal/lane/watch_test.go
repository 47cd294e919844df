package lane

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// slowAfter is when an event is slow in these tests, and late when the watchdog has told of it for sure.
const (
	slowAfter = time.Second
	late      = slowAfter + 2*watchInterval
)

// told collects what the watchdog tells. Only its goroutine, and the test when that waits, use it.
type told struct {
	slow    []string
	dropped []uint64
	at      []time.Time
	ticks   int
}

func (n *told) watch(r *Roster, after time.Duration) {
	r.Watch(Report{
		After: after,
		Slow: func(m *Member, age time.Duration, depth uint64) {
			n.slow = append(n.slow, fmt.Sprintf("%s %d", m.Name, depth))
			if age < after || age > late {
				n.slow = append(n.slow, fmt.Sprint("age ", age))
			}
		},
		Dropped: func(_ *Member, k uint64) { n.dropped, n.at = append(n.dropped, k), append(n.at, time.Now()) },
		Tick:    func() { n.ticks++ },
	})
}

// pass lets time pass, and everybody do what is to be done by then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// watching reports whether the watchdog has a goroutine.
func watching(r *Roster) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.watch.running
}

// An event is told of once, also when the worker that is at it was told of before and has never been idle since.
func TestSlowOncePerEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n told
		roster, step := &Roster{}, make(chan struct{})
		n.watch(roster, slowAfter)
		block := func(event) Outcome {
			<-step
			return Succeeded
		}
		log := NewLog[event](1, nil)
		reader := newReader(log, Config{Name: "log", Roster: roster}, block)
		queue, consumer := newQueue(Config{Name: "queue", Roster: roster}, plain(), block)
		for _, l := range []lane{log, queue} {
			n.slow = nil
			publish(t, l, numbered(1, 4)...)
			for i := range 3 {
				synctest.Wait()
				pass(20 * late)
				if len(n.slow) != i+1 {
					t.Errorf("after %d slow events: %v", i+1, n.slow)
				}
				if watching(roster) {
					t.Error("the watchdog has told everything and goes on")
				}
				step <- struct{}{}
				if synctest.Wait(); reader.alert.Load() || queue.alert.Load() {
					t.Error("a worker is asked again, although the watchdog goes on")
				}
			}
			step <- struct{}{} // the last one is quick
			pass(late)
			if len(n.slow) != 3 || watching(roster) {
				t.Errorf("told %v, watching: %v", n.slow, watching(roster))
			}
		}
		if want := []string{"queue 3", "queue 2", "queue 1"}; !slices.Equal(n.slow, want) {
			t.Errorf("told %v, want %v", n.slow, want)
		}
		reader.Close()
		consumer.Close()
		roster.Stop()
	})
}

// A publisher that waits for room has workers look up as well. That does not make the watchdog miss what comes next.
func TestSlowWhilePublishersWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n told
		roster, step := &Roster{}, make(chan struct{})
		n.watch(roster, slowAfter)
		q, c := newQueue(Config{Capacity: 1, Roster: roster}, plain(), func(event) Outcome {
			<-step
			return Succeeded
		})
		publish(t, q, event{id: 1})
		synctest.Wait()
		publish(t, q, event{id: 2})
		go func() {
			if err := (&Wait{}).For(context.Background(), &q.Gate); err != nil {
				t.Error(err)
			}
			publish(t, q, event{id: 3})
		}()
		for i := range 3 {
			pass(2 * late)
			if len(n.slow) != i+1 {
				t.Errorf("after %d slow events: %v", i+1, n.slow)
			}
			step <- struct{}{}
			synctest.Wait()
		}
		c.Close()
		roster.Stop()
	})
}

// A worker that the watchdog finds between two batches is not forgotten.
func TestSlowAfterABreakBetweenBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n told
		roster := &Roster{}
		n.watch(roster, slowAfter)
		_, c := newQueue(Config{Roster: roster}, plain(), nil)
		w := &Worker{member: &c.Member, alert: &c.gate.alert} // the test is the worker
		c.gate.mu.Lock()
		c.enter(w)
		c.gate.mu.Unlock()
		pass(late)
		if watching(roster) {
			t.Error("the watchdog goes on, though nothing is handled")
		}
		c.gate.mu.Lock()
		w.begin(1)
		c.gate.mu.Unlock()
		w.attend()
		pass(late)
		if len(n.slow) != 1 {
			t.Errorf("told %v", n.slow)
		}
		c.gate.mu.Lock()
		c.leave(w)
		c.gate.mu.Unlock()
		c.Close()
		roster.Stop()
	})
}

// The watchdog does not miss who begins while it tells of others.
func TestSlowBesideTheTelling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		roster, step := &Roster{}, make(chan struct{})
		block := func(event) Outcome {
			<-step
			return Succeeded
		}
		first, second := NewLog[event](1, nil), NewLog[event](2, nil)
		var slow []string
		roster.Watch(Report{After: slowAfter, Slow: func(m *Member, _ time.Duration, _ uint64) {
			if slow = append(slow, m.Name); m.Name == "first" {
				publish(t, second, event{id: 1})
			}
		}})
		a, b := newReader(first, Config{Name: "first", Roster: roster}, block), newReader(second, Config{Name: "second", Roster: roster}, block)
		publish(t, first, event{id: 1})
		pass(2 * late)
		if !slices.Equal(slow, []string{"first", "second"}) {
			t.Errorf("told of %v", slow)
		}
		close(step)
		synctest.Wait()
		a.Close()
		b.Close()
		roster.Stop()
	})
}

// Without a limit nothing is slow, and the watchdog does not look.
func TestNothingIsSlowWithoutALimit(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, -1} {
		synctest.Test(t, func(t *testing.T) {
			var n told
			roster, step := &Roster{}, make(chan struct{})
			n.watch(roster, after)
			log := NewLog[event](1, nil)
			r := newReader(log, Config{Roster: roster}, func(event) Outcome {
				<-step
				return Succeeded
			})
			publish(t, log, numbered(1, 2)...)
			pass(late)
			step <- struct{}{}
			synctest.Wait()
			if watching(roster) {
				t.Error("the watchdog goes on")
			}
			pass(late)
			step <- struct{}{}
			if len(n.slow) > 0 {
				t.Errorf("told %v", n.slow)
			}
			r.Close()
			roster.Stop()
		})
	}
}
