package lane

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// modelMember is a member in a random schedule.
type modelMember struct {
	*Consumer[event]
	running []event
	left    bool
}

// begun is an event that a handler has begun, until end is closed.
type begun struct {
	event
	by  *modelMember
	end chan struct{}
}

// model is a queue beside what is known of it. All events have come to the test in the order of waiting, which is that of arrival but for
// those that Latest has put in the place of another.
type model struct {
	*rand.Rand
	*Queue[event]
	droppable func(e *event) bool
	members   []*modelMember
	waiting   []event
	running   []begun
	matched   uint64
	dropped   uint64
	ended     uint64
	last      int // number

	mu    sync.Mutex
	fresh []begun // not looked at yet
}

func newModel(seed uint64) *model {
	m := &model{Rand: rand.New(rand.NewPCG(seed, 0))}
	traits := plain()
	if traits.Keyed = m.IntN(3) > 0; m.IntN(2) == 0 {
		m.droppable = func(e *event) bool { return e.remote }
		traits.Droppable = m.droppable
	}
	policies := []Policy{Block, DropOldest, DropNewest, Latest, Fail}
	m.Queue = NewQueue(config(Config{Local: policies[m.IntN(5)], Remote: policies[m.IntN(5)]}), traits)
	m.join()
	return m
}

func (m *model) join() {
	w := &modelMember{}
	c := config(Config{Capacity: 1 + m.IntN(6), Workers: 1 + m.IntN(3)})
	w.Consumer = NewConsumer(m.Queue, c, by(func(e event) Outcome {
		b := begun{e, w, make(chan struct{})}
		m.mu.Lock()
		m.fresh = append(m.fresh, b)
		m.mu.Unlock()
		<-b.end
		return Succeeded
	}))
	w.Join()
	m.members = append(m.members, w)
}

func (m *model) present() []*modelMember {
	return slices.DeleteFunc(slices.Clone(m.members), func(w *modelMember) bool { return w.left })
}

// arrive puts a new event into the queue and into the model.
func (m *model) arrive() error {
	m.last++
	e := event{id: m.last, remote: m.IntN(2) == 0, key: []string{"", "", "a", "b", "c"}[m.IntN(5)], topic: []string{"x", "y"}[m.IntN(2)]}
	policy, refused := m.Policy, false
	if e.remote {
		policy = m.Remote
		refused = m.Offer(&e) != nil
	} else {
		refused = try(m.Queue, e) != nil
	}
	capacity := 0
	for _, w := range m.present() {
		capacity += w.share
	}
	full := len(m.waiting) >= capacity
	if want := full && (policy == Block || policy == Fail && !e.remote); refused != want {
		return fmt.Errorf("%v waits: %v, want %v", e, refused, want)
	} else if refused {
		return nil
	}
	m.matched++
	same := func(o event) bool {
		return policy == Latest && o.topic == e.topic && o.key == e.key && (m.Policy == m.Remote || o.remote == e.remote)
	}
	if i := slices.IndexFunc(m.waiting, same); i >= 0 {
		m.waiting[i] = e
		m.dropped++
		return nil
	}
	if full {
		m.dropped++
		oldest := slices.IndexFunc(m.waiting, func(o event) bool { return m.droppable == nil || m.droppable(&o) })
		if policy == DropNewest || policy == Fail || oldest < 0 {
			return nil
		}
		m.waiting = slices.Delete(m.waiting, oldest, oldest+1)
	}
	m.waiting = append(m.waiting, e)
	return nil
}

// lane returns the key that e waits for, "" for none.
func (m *model) lane(e event) string {
	if m.traits.Keyed {
		return e.key
	}
	return ""
}

func (m *model) isRunning(key string) bool {
	return slices.ContainsFunc(m.running, func(b begun) bool { return m.lane(b.event) == key })
}

// settle takes over what was begun, and checks that it might be.
func (m *model) settle() error {
	synctest.Wait()
	m.mu.Lock()
	fresh := m.fresh
	m.fresh = nil
	m.mu.Unlock()
	at := func(b begun) int { return slices.Index(m.waiting, b.event) }
	slices.SortFunc(fresh, func(a, b begun) int { return at(a) - at(b) })
	for _, b := range fresh {
		i, key := at(b), m.lane(b.event)
		switch {
		case i < 0:
			return fmt.Errorf("%v was begun, and does not wait", b.event)
		case slices.ContainsFunc(m.waiting[:i], func(o event) bool { return m.lane(o) == key }):
			return fmt.Errorf("%v was begun before its turn", b.event)
		case key != "" && m.isRunning(key):
			return fmt.Errorf("%v was begun beside another of its key", b.event)
		case key != "" && m.ownerOf(key) != b.by.Consumer:
			return fmt.Errorf("%v was begun by a member whose key it is not", b.event)
		}
		m.waiting = slices.Delete(m.waiting, i, i+1)
		m.running = append(m.running, b)
		b.by.running = append(b.by.running, b.event)
	}
	return m.check()
}

// check checks that nothing waits without a reason, and that all counters add up.
func (m *model) check() error {
	free := func(w *modelMember) bool { return len(w.running) < w.limit }
	for _, e := range m.waiting {
		if key := m.lane(e); key == "" && slices.ContainsFunc(m.present(), free) {
			return fmt.Errorf("%v waits, and a worker is free", e)
		} else if key != "" && !m.isRunning(key) {
			for _, w := range m.present() {
				if w.Consumer == m.ownerOf(key) && free(w) {
					return fmt.Errorf("%v waits, and a worker of its member is free", e)
				}
			}
		}
	}
	var sum Totals
	m.Lock()
	defer m.Unlock()
	for _, w := range m.members {
		n := w.read()
		if n.Matched != n.Queued+n.Running+n.Succeeded+n.Dropped || n.Running != uint64(len(w.running)) {
			return fmt.Errorf("a member with %v counts %+v", w.running, n)
		}
		sum.Matched += n.Matched
		sum.Queued += n.Queued
		sum.Running += n.Running
		sum.Succeeded += n.Succeeded
		sum.Dropped += n.Dropped
	}
	if want := (Totals{Matched: m.matched, Queued: uint64(len(m.waiting)), Running: uint64(len(m.running)), Succeeded: m.ended, Dropped: m.dropped}); sum != want {
		return fmt.Errorf("counted %+v, want %+v", sum, want)
	}
	if len(m.waiting)+len(m.running) == 0 && m.Queue.waiting != nil {
		return fmt.Errorf("idle, and it holds %v", m.Queue.waiting)
	}
	return nil
}

// end ends a handler.
func (m *model) end(i int) {
	b := m.running[i]
	m.running = slices.Delete(m.running, i, i+1)
	b.by.running = slices.DeleteFunc(b.by.running, func(e event) bool { return e == b.event })
	m.ended++
	close(b.end)
}

func (m *model) turn() (err error) {
	present := m.present()
	switch k := m.IntN(30); {
	case k == 0 && len(present) < 4:
		m.join()
	case k == 1 && len(present) > 1:
		w := present[m.IntN(len(present))]
		w.left = true
		w.Close()
	case k < 14 && len(m.running) > 0:
		m.end(m.IntN(len(m.running)))
	default:
		err = m.arrive()
	}
	if err != nil {
		return err
	}
	return m.settle()
}

// Whatever comes, ends, joins and leaves: events of a key are handled one after the other, by the member that the key belongs to; those
// without a key are begun in order; nothing waits while a worker is free that may handle it; policies drop what they are to drop; and
// the counters of all members add up at any moment.
func TestQueueAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(seed)
			for turn := range 300 {
				if err := m.turn(); err != nil {
					t.Errorf("seed %d, local %d, remote %d, turn %d: %v", seed, m.Policy, m.Remote, turn, err)
					break
				}
			}
			for _, w := range m.members {
				w.Close()
			}
			_ = m.settle() // of those that were begun since
			for len(m.running) > 0 {
				m.end(0)
			}
			synctest.Wait()
			for _, w := range m.members {
				if !ended(&w.Member) {
					t.Errorf("seed %d: a member has not ended", seed)
				}
			}
		})
	}
}
