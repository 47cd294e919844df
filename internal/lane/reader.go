package lane

import "runtime"

// readerTurn is how many events a reader handles before it lets others run: then they find the events in the cache of their processor.
const readerTurn = 256

// Reader is a subscription that reads a log. It has one worker.
type Reader[E any] struct {
	Gate
	Member
	log        *Log[E]
	runner     *runner[E] // nil until it is needed
	newHandler func() Handler[E]

	// Guarded by the log's lock.
	in     bool   // has joined
	joined uint64 // the number of its first event
	taken  uint64 // the number of the next event to take
	early  int    // how many events it got ahead of the log's
	held   int    // those of them that were in no batch yet
	ahead  bool   // its batch is of them, or there is none
}

// NewReader returns a reader of l, which has not joined yet.
func NewReader[E any](l *Log[E], c Config, newHandler func() Handler[E]) *Reader[E] {
	r := &Reader[E]{log: l, newHandler: newHandler}
	r.Gate.init(&c, l.mu, r)
	r.capacity = c.Capacity
	r.Member.init(&c, 1, &r.Gate)
	return r
}

// Join makes everything that is appended from now on come to the reader, after copies of the events in early. The caller holds the locks.
func (r *Reader[E]) Join(early []E) {
	l := r.log
	l.readers = append(l.readers, r)
	l.free = 0
	r.in, r.joined, r.taken, r.early = true, l.tail, l.tail, len(early)
	if r.early == 0 {
		l.resting = append(l.resting, r)
		return
	}
	size := minRing
	for size < r.early {
		size *= 2
	}
	w := r.worker()
	w.batch = append(make([]E, 0, size), early...)[:size]
	r.ahead, r.held = true, r.early
	r.start()
}

// worker returns the one runner.
func (r *Reader[E]) worker() *runner[E] {
	if r.runner == nil {
		r.runner = &runner[E]{source: r, handler: r.newHandler()}
		r.runner.member, r.runner.alert = &r.Member, &r.alert
	}
	return r.runner
}

// start gives the reader a goroutine. The caller holds the lock.
func (r *Reader[E]) start() {
	w := r.worker()
	r.enter(&w.Worker)
	go w.run()
}

// Close ends the reader: what waits is abandoned, a handler that runs goes on. It is idempotent and does not wait: see Done.
func (r *Reader[E]) Close() {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Member.closed {
		return
	}
	var left Totals
	r.count(nil, &left)
	r.totals.Matched += left.Matched
	r.totals.Abandoned += left.Queued
	r.Gate.closed, r.Member.closed = true, true
	r.wake()
	for _, w := range r.active {
		w.cut()
	}
	l.remove(r)
	r.rest()
}

func (r *Reader[E]) room() int {
	room := r.capacity - int(r.log.tail-r.taken) - r.held
	for _, w := range r.active {
		room -= w.waiting()
	}
	return room
}

// done returns the number of the event before which the reader needs none of the log any more.
func (r *Reader[E]) done() uint64 {
	if r.ahead || len(r.active) == 0 {
		return r.taken
	}
	return r.taken - uint64(r.runner.count-r.runner.get().finished())
}

func (r *Reader[E]) count(_ *Member, t *Totals) {
	if r.in && !r.Member.closed { // Close has booked them
		t.Matched += r.log.tail - r.joined + uint64(r.early)
		t.Queued += r.log.tail - r.taken + uint64(r.held)
	}
}

func (r *Reader[E]) able() int { return 1 }

func (r *Reader[E]) counter() *Member { return &r.Member }

func (r *Reader[E]) take(w *runner[E]) bool {
	l := r.log
	if w.count > 0 {
		runtime.Gosched()
	}
	for i := 0; ; i++ {
		l.mu.Lock()
		if r.Member.closed {
			r.retire()
			l.mu.Unlock()
			return false
		}
		if r.held > 0 {
			w.from += uint64(w.count)
			w.count = min(r.held, maxBatch)
			r.held -= w.count
			w.begin(w.count)
			l.mu.Unlock()
			return true
		}
		if l.tail > r.taken {
			break
		}
		if i == idleYields {
			r.retire()
			l.repose(r)
			l.mu.Unlock()
			return false
		}
		l.mu.Unlock()
		runtime.Gosched()
	}
	defer l.mu.Unlock()
	n := min(l.tail-r.taken, readerTurn)
	w.batch, w.from, w.count = l.store.ring, r.taken, int(n)
	r.taken += n
	r.ahead = false
	w.begin(w.count)
	return true
}

// retire ends the reader's goroutine. The caller holds the lock.
func (r *Reader[E]) retire() {
	r.runner.batch, r.runner.count, r.ahead = nil, 0, false
	r.leave(&r.runner.Worker)
}
