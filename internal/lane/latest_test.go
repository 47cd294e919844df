package lane

import (
	"testing"
	"testing/synctest"
)

// Latest keeps one event of each topic and key, the newest, in the place of the first.
func TestLatest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, r, m, release := held(t, Config{Capacity: 3, Local: Latest, Remote: Latest}, plain())
		at := func(id int, topic, key string) event { return event{id: id, topic: topic, key: key} }
		publish(t, q, at(1, "a", "x"), at(2, "b", "x"), at(3, "a", "y"), at(4, "a", "x"))
		q.Offer(&event{id: 5, topic: "b", key: "x"})
		if n := balanced(t, &m.Member); n.Queued != 3 || n.Dropped != 2 {
			t.Errorf("%+v", n)
		}
		publish(t, q, at(6, "c", "x")) // the one that waits longest, 4, goes
		publish(t, q, at(7, "a", "x")) // so this does not replace it, and 5 goes
		publish(t, q, at(8, "a", "x"), at(9, "c", "x"))
		finish(t, r, m, release, 3, 9, 8)
	})
}

// An event that Latest refused, because nothing may be dropped for it, stands in nobody's way.
func TestLatestForgetsWhatItRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		traits := plain()
		traits.Droppable = func(e *event) bool { return e.remote }
		q, r, m, release := held(t, Config{Capacity: 2, Remote: Latest}, traits)
		publish(t, q, event{id: 1, topic: "a"}, event{id: 2, topic: "a"})
		q.Offer(&event{id: 3, topic: "b", remote: true}) // refused
		q.Offer(&event{id: 4, topic: "b", remote: true}) // as well
		if n := balanced(t, &m.Member); n.Dropped != 2 {
			t.Errorf("%+v", n)
		}
		release <- struct{}{}
		synctest.Wait()
		q.Offer(&event{id: 5, topic: "b", remote: true})
		release <- struct{}{}
		synctest.Wait()
		publish(t, q, event{id: 6, topic: "b"}) // does not come under Latest, and changes nothing for those that do
		finish(t, r, m, release, 1, 2, 5, 6)
	})
}

// Only events that came under Latest replace each other, and one that leaves the queue forgets nothing but itself.
func TestLatestBesideAnotherPolicy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, r, m, release := held(t, Config{Capacity: 4, Local: Latest, Remote: DropNewest}, plain())
		q.Offer(&event{id: 1, topic: "a"})
		publish(t, q, event{id: 2, topic: "a"})
		release <- struct{}{}
		synctest.Wait() // 1 has left
		publish(t, q, event{id: 3, topic: "a"})
		finish(t, r, m, release, 1, 3)
	})
}
