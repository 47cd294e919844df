package lane

import (
	"hash/maphash"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Traits are what a Queue has to know of its events.
type Traits[E any] struct {
	// Key returns the key of an event, "" for none.
	Key func(e *E) string
	// Keyed has events of one key wait for each other.
	Keyed bool
	// Topic returns what Latest tells events of the same key apart by.
	Topic func(e *E) string
	// Droppable reports whether an event may be dropped for room. nil: every event may.
	Droppable func(e *E) bool
}

// Queue is the bounded queue of one subscription, or of the members of a group, who share its events. Events without a key are handled in the
// order in which they came, those of one key one after the other, and always by the same member as long as the members are the same.
type Queue[E any] struct {
	Entry
	Gate
	traits  Traits[E]
	seed    maphash.Seed
	members []*Consumer[E] // the first one is who events are counted with until somebody takes them
	joined  uint64
	// handling counts the workers that are at an event, those of members that have left included.
	handling int
	waiting  *events[E] // nil while nothing waits and nobody works
	pool     sync.Pool  // of *events[E]
}

// NewQueue returns a queue without members.
func NewQueue[E any](c Config, t Traits[E]) *Queue[E] {
	q := &Queue[E]{traits: t, seed: maphash.MakeSeed()}
	q.Entry = Entry{ID: c.ID, mu: new(sync.Mutex), own: true, lane: q}
	q.Gate.init(&c, q.Entry.mu, q)
	return q
}

// look is never answered from free: there is a policy to ask for every event.
func (q *Queue[E]) look() *Gate {
	if q.full() {
		return &q.Gate
	}
	return nil
}

// Append puts a copy of e, published on this bus, at the end. The caller holds the locks, and Full has returned nil. It returns the copy, for
// the caller to change before it unlocks; nil if there is none.
func (q *Queue[E]) Append(e *E) *E { return q.put(e, q.Policy) }

// Offer puts a copy of e, received from a transport, at the end, if the policy for such events allows. When the queue is full and the policy
// is to wait, it returns what to wait at, and nothing has happened.
func (q *Queue[E]) Offer(e *E) *Gate {
	q.Gate.mu.Lock()
	defer q.Gate.mu.Unlock()
	if q.Gate.Remote == Block && !q.closed && q.room() <= 0 {
		return &q.Gate
	}
	q.put(e, q.Gate.Remote)
	return nil
}

// Retained puts copies of events at the end that were there before the subscription. They may be more than it has room for. The caller
// holds the locks of the routes, but not the queue's.
func (q *Queue[E]) Retained(events []E) {
	q.Gate.mu.Lock()
	defer q.Gate.mu.Unlock()
	p := Block
	if q.Policy == Latest {
		p = Latest
	}
	for i := range events {
		q.put(&events[i], p)
	}
}

func (q *Queue[E]) put(e *E, p Policy) *E {
	if q.closed || len(q.members) == 0 {
		return nil
	}
	first := q.members[0]
	first.totals.Matched++
	if q.waiting == nil {
		if q.waiting, _ = q.pool.Get().(*events[E]); q.waiting == nil {
			q.waiting = &events[E]{}
		}
	}
	n := q.waiting.node(e) // functions of the traits get the copy: e may be on somebody's stack, and is to stay there
	if p == Latest {
		if before := q.waiting.latest[q.topicKey(n)]; before != nil {
			before.event = n.event
			q.waiting.vacate(n)
			first.drop()
			return &before.event
		}
	}
	if q.room() <= 0 && p != Block && (p == DropNewest || p == Fail || !q.dropOldest()) {
		q.waiting.vacate(n)
		first.drop()
		return nil
	}
	if p == Latest {
		if q.waiting.latest == nil {
			q.waiting.latest = map[topicKey]*node[E]{}
		}
		q.waiting.latest[q.topicKey(n)] = n
	}
	q.waiting.add(n, q.keyOf(&n.event))
	q.staff(n)
	return &n.event
}

// topicKey returns what Latest tells n apart by.
func (q *Queue[E]) topicKey(n *node[E]) topicKey {
	return topicKey{q.traits.Topic(&n.event), q.traits.Key(&n.event)}
}

// keyOf returns the lane of e, nil if it has none.
func (q *Queue[E]) keyOf(e *E) *key[E] {
	if !q.traits.Keyed {
		return nil
	}
	name := q.traits.Key(e)
	if name == "" {
		return nil
	}
	k := q.waiting.keys[name]
	if k == nil {
		k = q.waiting.key(name, q.ownerOf(name))
	}
	return k
}

// ownerOf returns the member that handles the events of a key, by rendezvous hashing: when members come or go, only the keys that
// they get or had change hands.
func (q *Queue[E]) ownerOf(name string) (owner *Consumer[E]) {
	if len(q.members) == 1 {
		return q.members[0]
	}
	h, best := maphash.String(q.seed, name), uint64(0)
	for _, c := range q.members {
		weight := h ^ c.id*0x9E3779B97F4A7C15 // then murmur3's finalizer
		weight = (weight ^ weight>>33) * 0xFF51AFD7ED558CCD
		weight = (weight ^ weight>>33) * 0xC4CEB9FE1A85EC53
		if weight ^= weight >> 33; owner == nil || weight > best {
			owner, best = c, weight
		}
	}
	return owner
}

// staff sees to it that somebody will handle an event that is ready.
func (q *Queue[E]) staff(n *node[E]) {
	switch {
	case n.ready == nil:
	case n.key != nil:
		n.key.owner.start()
	default:
		least := q.members[0]
		for _, c := range q.members {
			if c.gathering != nil && c.lingering && q.waiting.available(c) >= c.Size {
				least = c
				break
			}
			if len(c.active)*least.limit < len(least.active)*c.limit {
				least = c
			}
		}
		least.start()
	}
}

// staffFirst is staff for the first of a list, if there is one.
func (q *Queue[E]) staffFirst(l *list[E]) {
	if l.head != nil {
		q.staff(l.head)
	}
}

// dropOldest drops the oldest event that may be dropped.
func (q *Queue[E]) dropOldest() bool {
	for n := q.waiting.all.head; n != nil; n = n.links[byArrival].next {
		if q.traits.Droppable == nil || q.traits.Droppable(&n.event) {
			q.remove(n)
			q.members[0].drop()
			return true
		}
	}
	return false
}

// remove takes an event out of what waits.
func (q *Queue[E]) remove(n *node[E]) {
	if len(q.waiting.latest) > 0 {
		if of := q.topicKey(n); q.waiting.latest[of] == n { // n may have come under another policy
			delete(q.waiting.latest, of)
		}
	}
	q.waiting.remove(n)
}

func (q *Queue[E]) room() int { return q.capacity - q.length() }

func (q *Queue[E]) able() int {
	able := q.handling
	for _, c := range q.members {
		if c.handling < c.limit && q.waiting.available(c) > 0 {
			able++
		}
	}
	return able
}

func (q *Queue[E]) length() int {
	if q.waiting == nil {
		return 0
	}
	return q.waiting.all.length
}

func (q *Queue[E]) count(m *Member, t *Totals) {
	if m == q.counter() {
		t.Queued += uint64(q.length())
	}
}

func (q *Queue[E]) counter() *Member {
	if len(q.members) == 0 {
		return nil
	}
	return &q.members[0].Member
}

func (q *Queue[E]) take(r *runner[E]) bool {
	c := r.consumer
	for i := 0; ; i++ {
		q.Gate.mu.Lock()
		q.finish(r)
		if !r.until.IsZero() {
			c.lingering = false
		}
		available := 0
		if !c.closed {
			available = q.waiting.available(c)
		}
		if c.gathering != nil && c.lingering && available < c.Size { // they are for the worker that lingers
			available = 0
		}
		switch {
		case available == 0 && (c.closed || i >= idleYields):
			c.retire(r)
			q.Gate.mu.Unlock()
			return false
		case available == 0:
			r.until = time.Time{}
			q.Gate.mu.Unlock()
			runtime.Gosched()
		case c.gathering == nil || c.due(available, &r.until):
			q.hand(r)
			q.Gate.mu.Unlock()
			return true
		default:
			c.lingering = true
			q.Gate.mu.Unlock()
			c.wait(r.until)
		}
	}
}

// hand gives r its next event, or as many as its batch takes.
func (q *Queue[E]) hand(r *runner[E]) {
	c := r.consumer
	for n := q.waiting.next(c); n != nil && len(r.batch) < c.size(); n = q.waiting.next(c) {
		r.batch = append(r.batch, n.event)
		if n.key != nil {
			n.key.running = true
			r.keys = append(r.keys, n.key)
		}
		q.remove(n)
	}
	r.count, r.until = len(r.batch), time.Time{}
	c.handling++
	q.handling++
	if c != q.members[0] {
		q.members[0].totals.Matched -= uint64(r.count)
		c.totals.Matched += uint64(r.count)
	}
	r.begin(r.count)
	if q.waiters != nil && q.room() > 0 {
		q.wake()
	}
	if c.gathering != nil { // there may be some that did not fit, and perhaps others can take them
		q.staffFirst(&q.waiting.free)
	}
	if c.gathering != nil || len(q.members) > 1 { // r may have taken what somebody of another member was started for
		q.staffFirst(&c.ready)
	}
}

// finish forgets what r was at, and lets the next events of its keys be handled.
func (q *Queue[E]) finish(r *runner[E]) {
	if len(r.batch) > 0 {
		r.consumer.handling--
		q.handling--
	}
	clear(r.batch)
	r.batch = r.batch[:0]
	for _, k := range r.keys {
		if k.running = false; q.closed {
			continue
		}
		q.waiting.settle(k)
		if k.owner != r.consumer && k.waiting.head != nil {
			k.owner.start()
		}
	}
	clear(r.keys)
	r.keys = r.keys[:0]
}

// rest gives up the memory when nothing waits and nobody works.
func (q *Queue[E]) rest() {
	if q.waiting == nil || q.waiting.all.length > 0 || len(q.waiting.keys) > 0 { // a member that has left may still be at a key
		return
	}
	if !slices.ContainsFunc(q.members, func(c *Consumer[E]) bool { return len(c.active) > 0 }) {
		q.pool.Put(q.waiting)
		q.waiting = nil
	}
}
