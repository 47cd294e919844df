package lane

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Dropped events are told of at most once a second, all of them, and the watchdog rests when there are no more.
func TestDroppedOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n told
		roster := &Roster{}
		n.watch(roster, 0)
		q, _, m, release := held(t, Config{Capacity: 1, Local: DropOldest, Roster: roster}, plain())
		id, sum := 0, uint64(0)
		drop := func(k int) {
			for range k {
				id++
				publish(t, q, event{id: id})
			}
		}
		drop(1)
		for i := range 100 { // for five seconds
			drop(i % 3)
			pass(50 * time.Millisecond)
		}
		pass(2 * dropInterval)
		for i, k := range n.dropped {
			sum += k
			if i > 0 && n.at[i].Sub(n.at[i-1]) < dropInterval {
				t.Errorf("told at %v and at %v", n.at[i-1], n.at[i])
			}
		}
		if dropped := balanced(t, &m.Member).Dropped; sum != dropped || len(n.dropped) < 5 || n.ticks < len(n.dropped) {
			t.Errorf("told %v, of %d, in %d ticks", n.dropped, dropped, n.ticks)
		}
		if watching(roster) {
			t.Error("the watchdog has told everything and goes on")
		}
		drop(3)
		pass(2 * dropInterval)
		if n.dropped[len(n.dropped)-1] != 3 {
			t.Errorf("later: %v", n.dropped)
		}
		close(release)
		synctest.Wait()
		m.Close()
		roster.Stop()
	})
}

// Each member is told of by itself. Stop tells what is left, and the watchdog does not begin again.
func TestStopTellsTheRest(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var n told
			roster := &Roster{}
			n.watch(roster, slowAfter)
			i, j := NewInline(config(Config{Roster: roster}), nil), NewInline(config(Config{Roster: roster}), nil)
			if running {
				i.Drop()
				pass(watchInterval + 1) // told, and looking for the next second
			}
			for range 3 {
				i.Drop()
			}
			j.Drop()
			roster.Stop()
			if slices.Sort(n.dropped); running && !slices.Equal(n.dropped, []uint64{1, 1, 3}) || !running && !slices.Equal(n.dropped, []uint64{1, 3}) {
				t.Errorf("running: %v, told %v", running, n.dropped)
			}
			if n.ticks != len(n.dropped)-1 {
				t.Errorf("%d ticks", n.ticks)
			}
			log := NewLog[event](1, nil)
			r := newReader(log, Config{Roster: roster}, func(event) Outcome {
				time.Sleep(time.Minute)
				return Succeeded
			})
			publish(t, log, event{id: 1})
			pass(time.Hour)
			if len(n.slow) > 0 {
				t.Errorf("after the end: %v", n.slow)
			}
			r.Close()
		})
	}
}

// After the end the watchdog does not begin.
func TestStoppedAtRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n told
		roster := &Roster{}
		n.watch(roster, slowAfter)
		roster.Stop()
		q, _, m, release := held(t, Config{Capacity: 1, Local: DropNewest, Roster: roster}, plain())
		publish(t, q, numbered(1, 3)...)
		if watching(roster) {
			t.Error("the watchdog has begun")
		}
		pass(late)
		if len(n.slow)+len(n.dropped) > 0 {
			t.Errorf("told %v, %v", n.slow, n.dropped)
		}
		close(release)
		synctest.Wait()
		m.Close()
	})
}

// A roster that nobody watches has no goroutine.
func TestNobodyWatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		roster := &Roster{}
		q, _, m, release := held(t, Config{Capacity: 1, Local: DropNewest, Roster: roster}, plain())
		publish(t, q, numbered(1, 3)...)
		if watching(roster) {
			t.Error("there is nobody to tell")
		}
		close(release)
		synctest.Wait()
		m.Close()
		roster.Stop()
	})
}
