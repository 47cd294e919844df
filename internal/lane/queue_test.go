package lane

import (
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
)

// held is a queue whose only worker is at the event with number 0.
func held(t *testing.T, c Config, traits Traits[event]) (q *Queue[event], r *record, m *Consumer[event], release chan struct{}) {
	t.Helper()
	r, release = &record{}, make(chan struct{})
	q, m = newQueue(c, traits, func(e event) Outcome {
		<-release
		return r.add(e)
	})
	publish(t, q, event{})
	synctest.Wait()
	return q, r, m, release
}

// finish releases the worker, checks what it handles, and closes the queue.
func finish(t *testing.T, r *record, m *Consumer[event], release chan struct{}, want ...int) {
	t.Helper()
	close(release)
	synctest.Wait()
	if got := r.got(); !slices.Equal(got, append([]int{0}, want...)) {
		t.Errorf("handled %v, want 0 and %v", got, want)
	}
	n := balanced(t, &m.Member)
	if n.Queued+n.Running > 0 || n.Succeeded != uint64(1+len(want)) {
		t.Errorf("%+v", n)
	}
	m.Close()
	if !ended(&m.Member) {
		t.Error("not done")
	}
}

// What becomes of events that find a full queue of three, for those of this bus and for those from a transport.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		local, remote Policy
		full          bool // for the local ones
		waits         bool // the remote ones
		dropped       uint64
		want          []int
	}{
		{local: Block, remote: Block, full: true, waits: true, want: []int{1, 2, 3}},
		{local: Fail, remote: Fail, full: true, dropped: 2, want: []int{1, 2, 3}},
		{local: DropOldest, remote: DropOldest, dropped: 4, want: []int{5, 6, 7}},
		{local: DropNewest, remote: DropNewest, dropped: 4, want: []int{1, 2, 3}},
		{local: Latest, remote: Latest, dropped: 4, want: []int{5, 6, 7}},
		{local: Block, remote: DropOldest, full: true, dropped: 2, want: []int{3, 6, 7}},
		{local: Block, remote: DropNewest, full: true, dropped: 2, want: []int{1, 2, 3}},
		{local: DropOldest, remote: Block, waits: true, dropped: 2, want: []int{3, 4, 5}},
	} {
		synctest.Test(t, func(t *testing.T) {
			traits := plain()
			traits.Topic = func(e *event) string { return string(rune('a' + e.id)) } // all of them differ
			q, r, m, release := held(t, Config{Capacity: 3, Local: c.local, Remote: c.remote}, traits)
			publish(t, q, numbered(1, 3)...)
			for _, e := range numbered(4, 5) {
				if full := try(q, e); (full != nil) != c.full {
					t.Errorf("%d, %d: full for %d: %v", c.local, c.remote, e.id, full)
				}
			}
			for _, e := range numbered(6, 7) {
				if full := q.Offer(&e); (full != nil) != c.waits {
					t.Errorf("%d, %d: an event from a transport waits: %v", c.local, c.remote, full)
				}
			}
			if n := balanced(t, &m.Member); n.Dropped != c.dropped || n.Queued != 3 || q.Depth() != 3 {
				t.Errorf("%d, %d: %+v, depth %d", c.local, c.remote, n, q.Depth())
			}
			finish(t, r, m, release, c.want...)
		})
	}
}

// Only events that may be dropped are, the oldest first; the order of the rest is kept. When there is none, the new one is dropped.
func TestDropOldestSparesTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		traits := plain()
		traits.Droppable = func(e *event) bool { return e.id%2 == 1 }
		q, r, m, release := held(t, Config{Capacity: 5, Remote: DropOldest}, traits)
		for _, id := range []int{2, 1, 4, 3, 6, 5, 7, 9, 8, 10, 12, 14, 11} {
			if q.Offer(&event{id: id}) != nil {
				t.Errorf("%d is to wait", id)
			}
		}
		if n := balanced(t, &m.Member); n.Dropped != 8 || n.Queued != 5 {
			t.Errorf("%+v", n)
		}
		finish(t, r, m, release, 2, 4, 6, 8, 10)
	})
}

// The copy is what the caller may change, also when it replaces another.
func TestAppendReturnsTheCopy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, r, m, release := held(t, Config{Capacity: 1, Local: Latest}, plain())
		for i := range 3 {
			e := event{topic: "a"}
			q.Lock()
			q.Append(&e).id = 10 + i
			q.Unlock()
			if e.id != 0 {
				t.Error("the caller's own was changed")
			}
		}
		finish(t, r, m, release, 12)
	})
}

// What came before the subscription waits first, also when it is more than there is room for, unless Latest is to keep the newest.
func TestRetained(t *testing.T) {
	t.Parallel()
	for policy, want := range map[Policy][]int{Block: {1, 2, 3, 4, 5}, DropOldest: {1, 2, 3, 4, 5}, Latest: {3, 5}} {
		synctest.Test(t, func(t *testing.T) {
			q, r, m, release := held(t, Config{Capacity: 2, Local: policy}, plain())
			retained := numbered(1, 5)
			for i := range retained {
				retained[i].topic = []string{"a", "b", "c"}[i%3]
			}
			retained[4].topic = "a" // 1 and 2 have gone for 3 and 4, which it replaces
			q.Retained(retained)
			if full := try(q, event{topic: "a", id: 5}); (full != nil) != (policy == Block) {
				t.Errorf("policy %d: full is %v", policy, full)
			}
			if policy == DropOldest {
				want = []int{2, 3, 4, 5, 5}
			}
			finish(t, r, m, release, want...)
		})
	}
}

// Whatever ends a handler, its worker goes on, or another goroutine in its place.
func TestQueueGoesOn(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var r record
			q, m := newQueue(Config{Workers: workers}, plain(), func(e event) Outcome {
				r.add(e)
				switch e.id % 5 {
				case 1:
					panic(e.id)
				case 2:
					runtime.Goexit()
				case 3:
					defer panic(e.id)
					runtime.Goexit()
				case 4:
					return Filtered
				}
				return Succeeded
			})
			publish(t, q, numbered(1, 50)...)
			synctest.Wait()
			if n := balanced(t, &m.Member); n.Failed != 30 || n.Filtered != 10 || n.Succeeded != 10 || len(r.got()) != 50 {
				t.Errorf("%+v", n)
			}
			if q.waiting != nil || len(m.active) > 0 {
				t.Error("it has memory or goroutines when it is idle")
			}
			m.Close()
		})
	}
}

// The memory of a large backlog is given up while there are still events.
func TestQueueKeepsFewNodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, _, m, release := held(t, Config{Capacity: 3 * maxIdle}, plain())
		publish(t, q, numbered(1, 3*maxIdle)...)
		for range 2*maxIdle + 1 {
			release <- struct{}{}
		}
		synctest.Wait()
		q.Lock()
		if n := len(q.waiting.vacant); n != maxIdle {
			t.Errorf("%d nodes are vacant", n)
		}
		q.Unlock()
		m.Close()
		close(release)
		synctest.Wait()
	})
}
