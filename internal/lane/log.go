package lane

import (
	"math"
	"slices"
	"sync"
)

// Log is a queue that several subscriptions read, each at its own pace: an event is appended once, however many there are. It serves those
// that drop nothing and have one worker, so that its readers need no lock between events: an event stays where it is until all have
// finished it. Publishing to ten subscriptions costs a third of ten queues, to a hundred a sixth.
type Log[E any] struct {
	Entry
	store   storage[E]
	tail    uint64 // events appended so far
	cleared uint64 // of them, those that all readers had finished when somebody last looked
	readers []*Reader[E]
	resting []*Reader[E] // those without a goroutine
}

// NewLog returns a log that mu guards: the lock of the one route that leads to it, or nil if there may be several.
func NewLog[E any](id uint64, mu *sync.Mutex) *Log[E] {
	l := &Log[E]{Entry: Entry{ID: id, mu: mu}}
	if mu == nil {
		l.mu, l.own = new(sync.Mutex), true
	}
	l.lane = l
	return l
}

// Append puts a copy of e at the end, for all readers. The caller holds the locks, and Full has returned nil. It returns the copy, for the
// caller to change before it unlocks; nil if nobody reads.
func (l *Log[E]) Append(e *E) *E {
	if len(l.resting) > 0 {
		l.rouse()
	}
	if l.free == 0 {
		return nil
	}
	slot := l.store.at(l.tail)
	*slot = *e
	l.tail++
	l.free--
	return slot
}

// Offer is Append for an event received from a transport. When there is no room it returns what to wait at, and nothing has happened.
func (l *Log[E]) Offer(e *E) *Gate {
	l.mu.Lock()
	defer l.mu.Unlock()
	if full := l.Full(); full != nil {
		return full
	}
	l.Append(e)
	return nil
}

// look sees to it that an event can be appended: that there is room with every reader, and storage. Of those that have none it returns one that
// has publishes fail, if there is one.
func (l *Log[E]) look() *Gate {
	if len(l.readers) == 0 {
		return nil
	}
	room, done := math.MaxInt, l.tail
	var full *Gate
	for _, r := range l.readers {
		left := r.room()
		if left <= 0 && (full == nil || r.Policy == Fail) {
			full = &r.Gate
		}
		room, done = min(room, left), min(done, r.done())
	}
	if full != nil {
		return full
	}
	l.clear(done)
	if l.tail-done == uint64(len(l.store.ring)) {
		l.store.grow(done, l.tail)
	}
	l.free = min(room, len(l.store.ring)-int(l.tail-done))
	return nil
}

// clear forgets the events before done.
func (l *Log[E]) clear(done uint64) {
	for l.cleared < done {
		from := l.cleared & uint64(len(l.store.ring)-1)
		n := min(done-l.cleared, uint64(len(l.store.ring))-from)
		clear(l.store.ring[from : from+n])
		l.cleared += n
	}
}

// rouse starts the readers that rest.
func (l *Log[E]) rouse() {
	for _, r := range l.resting {
		r.start()
	}
	clear(l.resting)
	l.resting = l.resting[:0]
}

// repose notes that a reader rests. When all do, nothing of the log is kept.
func (l *Log[E]) repose(r *Reader[E]) {
	l.resting = append(l.resting, r)
	if len(l.resting) == len(l.readers) && l.store.ring != nil {
		l.clear(l.tail)
		l.store.rest()
		l.free = 0
	}
}

// remove takes a reader out. One that works may be about to copy an event out of the storage, and may then stay in its handler for ever:
// it keeps that storage, and the log goes on with another.
func (l *Log[E]) remove(r *Reader[E]) {
	is := func(other *Reader[E]) bool { return other == r }
	l.readers = slices.DeleteFunc(l.readers, is)
	l.resting = slices.DeleteFunc(l.resting, is)
	l.free = 0
	if len(r.active) == 0 {
		return
	}
	l.cleared = l.tail
	for _, other := range l.readers {
		l.cleared = min(l.cleared, other.done())
	}
	l.store.replace(l.cleared, l.tail)
}
