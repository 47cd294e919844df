package lane

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// keysOf returns n keys that belong to c while the members are what they are.
func keysOf(c *Consumer[event], n int) (keys []string) {
	c.queue.Lock()
	defer c.queue.Unlock()
	for i := 0; len(keys) < n; i++ {
		if name := fmt.Sprint(i); c.queue.ownerOf(name) == c {
			keys = append(keys, name)
		}
	}
	return keys
}

// owners returns whom each of many keys belongs to.
func owners(q *Queue[event]) []*Consumer[event] {
	q.Lock()
	defer q.Unlock()
	all := make([]*Consumer[event], 1000)
	for i := range all {
		all[i] = q.ownerOf(fmt.Sprint(i))
	}
	return all
}

// One member gets each event, and the same one all of a key.
func TestGroupSharesEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events, keys = 1000, 100
		q := NewQueue(config(Config{}), keyed())
		var mu sync.Mutex
		handled, by := map[int]int{}, map[string]int{}
		var members []*Consumer[event]
		for i := range 3 {
			members = append(members, join(q, Config{Workers: 2}, func(e event) Outcome {
				mu.Lock()
				defer mu.Unlock()
				handled[e.id]++
				if before, ok := by[e.key]; ok && before != i && e.key != "" {
					t.Errorf("members %d and %d handle key %s", before, i, e.key)
				}
				by[e.key] = i
				return Succeeded
			}))
		}
		for i := range events {
			e := event{id: i}
			if i%2 == 0 {
				e.key = fmt.Sprint(i / 2 % keys)
			}
			publish(t, q, e)
		}
		synctest.Wait()
		for i := range events {
			if handled[i] != 1 {
				t.Errorf("%d was handled %d times", i, handled[i])
			}
		}
		sum := uint64(0)
		for _, m := range members {
			n := balanced(t, &m.Member)
			if n.Succeeded == 0 || n.Matched != n.Succeeded {
				t.Errorf("%+v", n)
			}
			sum += n.Matched
		}
		if sum != events {
			t.Errorf("%d events were for the group", sum)
		}
		for _, m := range members {
			m.Close()
		}
	})
}

// Events without a key go to whoever has most workers left.
func TestGroupSparesTheBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		block := func(event) Outcome {
			<-release
			return Succeeded
		}
		q := NewQueue(config(Config{}), keyed())
		one, three := join(q, Config{Workers: 1}, block), join(q, Config{Workers: 3}, block)
		for i, want := range [][2]uint64{{1, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 3}} {
			publish(t, q, event{id: i})
			synctest.Wait()
			if got := [2]uint64{balanced(t, &one.Member).Running, balanced(t, &three.Member).Running}; got != want {
				t.Errorf("after %d events %v run, want %v", i+1, got, want)
			}
		}
		close(release)
		synctest.Wait()
		one.Close()
		three.Close()
	})
}

// Keys change hands only from and to members that come or go.
func TestGroupKeysStay(t *testing.T) {
	t.Parallel()
	q := NewQueue(config(Config{}), keyed())
	a, b := join(q, Config{}, nil), join(q, Config{}, nil)
	before := owners(q)
	c := join(q, Config{}, nil)
	changed := 0
	for i, now := range owners(q) {
		if now != before[i] {
			changed++
			if now != c {
				t.Fatal("a key went to an old member")
			}
		}
	}
	if changed < 200 || changed > 500 {
		t.Errorf("%d of 1000 keys went to the third member", changed)
	}
	c.Close()
	if !slices.Equal(owners(q), before) {
		t.Error("keys are not with their former members")
	}
	a.Close()
	b.Close()
}

// The last member takes the queue with it: what waits is abandoned, later events are nobody's, and nobody can join any more. The
// An event of a member's key does not wait behind the event without a key that the member's worker takes instead, if it has others.
func TestGroupStaffsOwnKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r record
		q := NewQueue(config(Config{}), keyed())
		m1, m2 := join(q, Config{}, r.add), join(q, Config{Workers: 2}, r.add)
		w := &runner[event]{source: q, consumer: m2, handler: handlerFunc(r.add)}
		w.member = &m2.Member
		put := func(events ...event) {
			for _, e := range events {
				q.Append(&e)
			}
		}
		k := keysOf(m2, 1)[0]
		q.Lock() // the test is a worker of m2 that is always first
		m2.enter(&w.Worker)
		put(event{id: 1, key: k})
		q.hand(w)
		q.Unlock()
		synctest.Wait()
		q.Lock()
		put(event{id: 2}, event{id: 3, key: k})
		q.finish(w)
		q.hand(w)
		q.Unlock()
		synctest.Wait()
		if got := r.got(); !slices.Equal(got, []int{3}) {
			t.Errorf("beside 2 that w is at, %v were handled", got)
		}
		w.run()
		m1.Close()
		m2.Close()
	})
}
