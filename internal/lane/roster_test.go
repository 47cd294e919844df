package lane

import (
	"testing"
	"testing/synctest"
)

// A bus is idle when no subscription has anything queued or running.
func TestRosterIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		roster, step := &Roster{}, make(chan struct{})
		block := func(event) Outcome {
			<-step
			return Succeeded
		}
		log := NewLog[event](1, nil)
		a, b := newReader(log, Config{Roster: roster}, block), newReader(log, Config{Roster: roster}, block)
		q, c := newQueue(Config{Roster: roster, Workers: 2}, plain(), block)
		if roster.Idle() != nil {
			t.Error("nothing was published yet")
		}
		for range 2 { // once more, after it was idle
			publish(t, log, event{id: 1})
			publish(t, q, numbered(1, 3)...)
			idle := roster.Idle()
			for k := range 5 {
				if isClosed(idle) {
					t.Errorf("idle after %d of 5 events", k)
				}
				step <- struct{}{}
				synctest.Wait()
			}
			if !isClosed(idle) || roster.Idle() != nil {
				t.Error("not idle after all events")
			}
		}
		if len(a.active)+len(b.active)+len(c.active) > 0 {
			t.Error("somebody works when all is idle")
		}
		publish(t, log, numbered(1, 2)...)
		publish(t, q, numbered(1, 4)...)
		synctest.Wait()
		a.Close()
		b.Close()
		c.Close()
		idle := roster.Idle()
		if isClosed(idle) {
			t.Error("idle while handlers of closed subscriptions run")
		}
		close(step)
		synctest.Wait()
		if !isClosed(idle) || !ended(&a.Member) || !ended(&b.Member) || !ended(&c.Member) {
			t.Error("not idle, or not done")
		}
	})
}

// Members leave the roster in any order.
func TestRosterPlaces(t *testing.T) {
	t.Parallel()
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		var r Roster
		var members [3]Member
		for i := range members {
			r.add(&members[i])
		}
		for k, i := range order {
			r.remove(&members[i])
			if len(r.working) != 2-k {
				t.Fatalf("%v: %d work", order, len(r.working))
			}
			for place, m := range r.working {
				if m == &members[i] || m.place != place {
					t.Errorf("%v: wrong member at %d", order, place)
				}
			}
		}
	}
}
