package lane

import (
	"runtime"
	"sync"
)

const (
	// minRing is how many events the first storage holds. Storage for more than maxIdleRing is not kept when it is not needed.
	minRing     = 16
	maxIdleRing = 4096
	// maxBatch is how many events a worker takes under one lock, at most.
	maxBatch = 256
	// idleYields is how often a worker that finds nothing yields before it ends. Starting a goroutine costs about 260 ns.
	idleYields = 4
)

// Handler is the owner of a queue: what handles its events.
type Handler[E any] interface {
	// Handle handles one event, which it may change. It reports whether it succeeded. If it ends its goroutine, that counts
	// as failed and another goroutine goes on.
	Handle(e *E) (ok bool)
	// Recovered is called with what Handle panicked with, on the stack of the panic. The event counts as failed.
	Recovered(e *E, value any)
}

// Queue is the bounded queue of one subscription, and the workers that empty it.
type Queue[E any] struct {
	Gate
	newHandler func() Handler[E]
	droppable  func(*E) bool // nil: every event
	ring       []E           // its length is a power of two, or 0; guarded by mu
	runners    sync.Pool     // of *runner[E], with their storage
}

// NewQueue returns a queue. newHandler makes the handler of each worker, which may hold state: one goroutine at a time uses it.
// droppable, if not nil, spares events from being dropped for room.
func NewQueue[E any](c Config, newHandler func() Handler[E], droppable func(*E) bool) *Queue[E] {
	q := &Queue[E]{newHandler: newHandler, droppable: droppable}
	q.init(c)
	return q
}

// Append puts a copy of e, published on this bus, at the end. The caller holds the locks, and Admits has said yes. It returns the copy, for
// the caller to change before it unlocks; nil if there is none, because the queue is closed.
func (q *Queue[E]) Append(e *E) *E {
	if q.free == 0 && !q.prepare() {
		return nil
	}
	slot := &q.ring[q.tail&uint64(len(q.ring)-1)]
	*slot = *e
	q.tail++
	q.free--
	return slot
}

// Offer puts a copy of e, received from a transport, at the end, if the policy for such events allows. It reports false
// when the queue is full and the policy is to wait; nothing has happened then.
func (q *Queue[E]) Offer(e *E) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free == 0 && !q.admits(q.Remote) {
		return false
	}
	q.Append(e)
	return true
}

// prepare sees to it that an event can be appended: that there is room, storage, and a worker. It reports false when the event is
// not to be appended, having counted it.
func (q *Queue[E]) prepare() bool {
	if q.closed {
		return false
	}
	room := q.room()
	if room <= 0 {
		if !q.dropOldest() {
			q.totals.Matched++
			q.totals.Dropped++
			return false
		}
		room = 1
	}
	if len(q.active) < q.Workers {
		q.startRunner() // may bring storage along
	}
	if q.length() == len(q.ring) {
		q.resize(max(minRing, 2*len(q.ring)))
	}
	q.free = 1
	if len(q.active) == q.Workers {
		q.free = min(room, len(q.ring)-q.length())
	}
	return true
}

// resize moves the events to a ring of that size.
func (q *Queue[E]) resize(size int) {
	next := make([]E, size)
	for i := q.head; i < q.tail; i++ {
		next[i&uint64(len(next)-1)] = *q.at(i)
	}
	q.ring = next
}

// at returns the place of the event with that number.
func (q *Queue[E]) at(i uint64) *E { return &q.ring[i&uint64(len(q.ring)-1)] }

// dropOldest drops the oldest event that may be dropped. Events before it, which may not, move up by one: that is rare, as
// it takes a queue full of events of both kinds.
func (q *Queue[E]) dropOldest() bool {
	for i := q.head; i < q.tail; i++ {
		if q.droppable != nil && !q.droppable(q.at(i)) {
			continue
		}
		for ; i > q.head; i-- {
			*q.at(i) = *q.at(i - 1)
		}
		*q.at(q.head) = *new(E)
		q.head++
		q.totals.Dropped++
		return true
	}
	return false
}

// take moves the oldest events to r. When there are none it reports false, and r is no longer a worker of the queue.
func (q *Queue[E]) take(r *runner[E]) bool {
	for i := 0; ; i++ {
		q.mu.Lock()
		if q.length() > 0 {
			break
		}
		if i == idleYields || q.closed {
			q.retire(r)
			q.mu.Unlock()
			return false
		}
		q.mu.Unlock()
		runtime.Gosched()
	}
	defer q.mu.Unlock()
	n := 1
	if q.batched() {
		n = min(q.length(), maxBatch)
	}
	// The ring is not swapped for another one instead: going round, its cache lines have long been left alone by the worker when
	// they are written to again.
	from := int(q.head & uint64(len(q.ring)-1))
	first := q.ring[from:min(from+n, len(q.ring))]
	rest := q.ring[:n-len(first)]
	r.events = append(append(r.events[:0], first...), rest...)
	clear(first) // what was handed out is not kept alive
	clear(rest)
	q.head += uint64(n)
	if len(q.ring) > maxIdleRing && q.length() < len(q.ring)/8 {
		q.resize(len(q.ring) / 4)
		q.free = 0
	}
	r.begin(n)
	return true
}

// retire ends a worker. The last one takes the storage along, to where it is found again or collected. The caller holds mu.
func (q *Queue[E]) retire(r *runner[E]) {
	r.begin(0)
	q.leave(&r.worker)
	if len(q.active) == 0 {
		if len(q.ring) <= maxIdleRing {
			r.spare = q.ring
		}
		q.ring = nil
	}
}

// Close ends the queue: what waits is abandoned, handlers that run go on. It is idempotent and does not wait: see Done.
func (q *Queue[E]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.ring = nil
		q.close()
	}
}

// Holder is a subscription with a queue of Es. Publishers of that type append to it directly.
type Holder[E any] interface {
	Queue() *Queue[E]
}
