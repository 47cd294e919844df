package lane

import (
	"slices"
	"testing"
	"testing/synctest"
)

// What a member has not begun goes to the others when it leaves. The next event of a key that it is at waits until that is done.
func TestGroupLeaving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r record
		release := make(chan struct{})
		q := NewQueue(config(Config{}), keyed())
		leaver := join(q, Config{Capacity: 10}, func(e event) Outcome {
			<-release
			return r.add(e)
		})
		stayer := join(q, Config{Capacity: 10}, r.add)
		keys := keysOf(leaver, 2)
		at, other := keys[0], keys[1]
		publish(t, q, event{id: 1, key: at})
		synctest.Wait()
		publish(t, q, event{id: 2, key: at}, event{id: 3, key: other}, event{id: 4, key: other}, event{id: 5})
		synctest.Wait()
		if got := r.got(); !slices.Equal(got, []int{5}) {
			t.Errorf("before the end: %v", got)
		}
		leaver.Close()
		leaver.Close()
		publish(t, q, event{id: 6, key: at})
		synctest.Wait()
		if got := r.got(); !slices.Equal(got, []int{5, 3, 4}) {
			t.Errorf("at the end: %v", got)
		}
		if n := balanced(t, &leaver.Member); n.Running != 1 || n.Matched != 1 || ended(&leaver.Member) {
			t.Errorf("who has left: %+v", n)
		}
		if n := balanced(t, &stayer.Member); n.Queued != 2 || n.Matched != 5 {
			t.Errorf("who stays: %+v", n)
		}
		close(release)
		synctest.Wait()
		if got := r.got(); !slices.Equal(got, []int{5, 3, 4, 1, 2, 6}) {
			t.Errorf("after it: %v", got)
		}
		if !ended(&leaver.Member) || q.waiting != nil {
			t.Errorf("ended: %v, kept: %v", ended(&leaver.Member), q.waiting)
		}
		stayer.Close()
	})
}

// handler of a member that left before may still be at a key.
func TestGroupEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		block := func(event) Outcome {
			<-release
			return Succeeded
		}
		q := NewQueue(config(Config{}), keyed())
		first := join(q, Config{}, block)
		publish(t, q, event{id: 1, key: "k"})
		synctest.Wait()
		publish(t, q, event{id: 2, key: "k"}, event{id: 3, key: "k"})
		last := join(q, Config{}, block)
		first.Close()
		last.Close()
		if !ended(&last.Member) || ended(&first.Member) {
			t.Error("ended before its handler, or not at all")
		}
		publish(t, q, event{id: 4, key: "k"})
		if q.Offer(&event{id: 5}) != nil {
			t.Error("a queue that has ended makes the transport wait")
		}
		q.Drop()
		q.Retained(numbered(6, 7))
		m := NewConsumer(q, config(Config{}), by(block))
		if _, ok := m.Join(); ok {
			t.Error("joined after the end")
		}
		close(release)
		synctest.Wait()
		if n := balanced(t, &first.Member); n.Matched != 1 || n.Succeeded != 1 || !ended(&first.Member) {
			t.Errorf("the first: %+v", n)
		}
		if n := balanced(t, &last.Member); n.Matched != 2 || n.Abandoned != 2 {
			t.Errorf("the last: %+v", n)
		}
	})
}

// Who joins first hears of it.
func TestGroupFirst(t *testing.T) {
	t.Parallel()
	q := NewQueue(config(Config{}), keyed())
	for i := range 3 {
		m := NewConsumer(q, config(Config{}), by(nil))
		if first, ok := m.Join(); !ok || first != (i == 0) {
			t.Errorf("member %d: %v, %v", i, first, ok)
		}
		defer m.Close()
	}
}
