package lane

import (
	"slices"
	"sync"
	"time"
)

// Consumer is a subscription that takes its events from a Queue.
type Consumer[E any] struct {
	Member
	queue      *Queue[E]
	newHandler func() Handler[E]
	id         uint64
	share      int     // of the queue's capacity
	handling   int     // workers that are at an event
	ready      list[E] // events of its keys that may be handled now
	runners    sync.Pool
	*gathering // nil unless it takes batches
}

// NewConsumer returns a member of q that has not joined yet.
func NewConsumer[E any](q *Queue[E], c Config, newHandler func() Handler[E]) *Consumer[E] {
	m := &Consumer[E]{queue: q, newHandler: newHandler, share: c.Capacity, gathering: newGathering(c.Batch)}
	m.init(&c, c.Workers, &q.Gate)
	return m
}

// Join makes the member one of its queue's. Workers and capacities of all members add up. It reports whether there were none before, and
// false for ok if the queue has ended with its last member. Events may come before it returns.
func (c *Consumer[E]) Join() (first, ok bool) {
	q := c.queue
	q.Gate.mu.Lock()
	defer q.Gate.mu.Unlock()
	if q.closed {
		return false, false
	}
	q.joined++
	c.id = q.joined
	q.members = append(q.members, c)
	q.capacity += c.share
	q.wake()
	q.reassign()
	return len(q.members) == 1, true
}

// start gives the member one more goroutine, unless it has all. The caller holds the lock.
func (c *Consumer[E]) start() {
	if c.gathering != nil && c.lingering {
		if c.queue.waiting.available(c) >= c.Size {
			c.look()
		}
		return
	}
	if len(c.active) == c.limit {
		return
	}
	r, _ := c.runners.Get().(*runner[E])
	if r == nil {
		r = &runner[E]{source: c.queue, consumer: c, handler: c.newHandler()}
		r.member, r.alert, r.whole = &c.Member, &c.queue.alert, c.gathering != nil
	}
	c.enter(&r.Worker)
	go r.run()
}

// size is how many events a worker takes at once.
func (c *Consumer[E]) size() int {
	if c.gathering == nil {
		return 1
	}
	return c.Size
}

// retire ends a goroutine of the member. The caller holds the lock.
func (c *Consumer[E]) retire(r *runner[E]) {
	r.count, r.until = 0, time.Time{}
	c.leave(&r.Worker)
	c.runners.Put(r)
	if c.queue.waiters != nil { // now that it will make no room, others may have to wait for ever
		c.queue.wake()
	}
	c.queue.rest()
}

// Close ends the member. What it has not begun is handed on to the others; what waits when the last one ends is abandoned. A handler
// that runs goes on, and the next event of its key waits for it. It is idempotent and does not wait: see Done.
func (c *Consumer[E]) Close() {
	q := c.queue
	q.Gate.mu.Lock()
	defer q.Gate.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	if c.gathering != nil {
		c.look()
	}
	q.capacity -= c.share
	waiting := uint64(0)
	if q.members[0] == c {
		waiting = uint64(q.length())
	}
	q.members = slices.DeleteFunc(q.members, func(other *Consumer[E]) bool { return other == c })
	if len(q.members) > 0 {
		c.totals.Matched -= waiting
		q.members[0].totals.Matched += waiting
		q.reassign()
	} else {
		c.totals.Abandoned += waiting
		q.closed, q.waiting = true, nil
	}
	q.wake()
	c.Member.rest()
}

// reassign gives all keys to the members that they belong to now, and finds somebody for every event.
func (q *Queue[E]) reassign() {
	if q.waiting == nil {
		return
	}
	for _, k := range q.waiting.keys {
		owner := q.ownerOf(k.name)
		if owner == k.owner {
			continue
		}
		k.owner = owner
		if n := k.waiting.head; n != nil && n.ready != nil {
			n.ready.remove(byReadiness, n)
			q.waiting.makeReady(n, &owner.ready)
		}
	}
	for n := q.waiting.all.head; n != nil; n = n.links[byArrival].next {
		q.staff(n)
	}
}
