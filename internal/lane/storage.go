package lane

import "sync"

const (
	// minRing is how many events the first storage holds. Storage for more than maxIdle events is not kept when it is not needed.
	minRing = 16
	maxIdle = 4096
	// idleYields is how often a worker that finds nothing yields before it ends. Starting a goroutine costs about 260 ns.
	idleYields = 4
)

// storage is the memory of a ring, in a pool while nobody needs it: the garbage collector may take it from there.
type storage[E any] struct {
	ring []E // its length is a power of two, or 0
	pool sync.Pool
	box  *[]E // what ring came out of the pool in
}

// grow returns the ring with room for at least one more event than the length from head to tail.
func (s *storage[E]) grow(head, tail uint64) {
	if s.ring == nil {
		if s.box, _ = s.pool.Get().(*[]E); s.box != nil {
			s.ring, *s.box = *s.box, nil // a ring that is outgrown is not to be kept
			return
		}
		s.box = new([]E)
	}
	s.move(max(minRing, 2*len(s.ring)), head, tail)
}

// replace leaves the ring to whoever still reads it.
func (s *storage[E]) replace(head, tail uint64) {
	if s.ring == nil {
		return
	}
	if head == tail {
		s.ring, s.box = nil, nil
		return
	}
	s.move(len(s.ring), head, tail)
}

// move takes a new ring of that size for the events from head to tail.
func (s *storage[E]) move(size int, head, tail uint64) {
	next := make([]E, size)
	for i := head; i < tail; i++ {
		next[i&uint64(size-1)] = *s.at(i)
	}
	s.ring = next
}

// at returns the place of the event with that number.
func (s *storage[E]) at(i uint64) *E { return &s.ring[i&uint64(len(s.ring)-1)] }

// rest puts the ring, which is cleared, away.
func (s *storage[E]) rest() {
	if s.ring != nil && len(s.ring) <= maxIdle {
		*s.box = s.ring
		s.pool.Put(s.box)
	}
	s.ring, s.box = nil, nil
}
