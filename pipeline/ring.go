package pipeline

// state is where a task is on its way.
type state uint8

const (
	free    state = iota // there is no such task any more
	waiting              // for a consumer
	delayed              // to be given again later
	overdue              // its holder has had it for too long: for another consumer
	given                // its holder has it
	dying                // on its way to the dead-letter task
)

// slot is a task that is not done.
type slot struct {
	state    state
	failures int       // attempts that failed
	holder   *consumer // given and overdue: who has it
	since    int64     // given to another process: Unix nanoseconds
	from     *producer
	time     int64  // when it was sent, Unix nanoseconds
	text     string // properties
	payload  []byte // nil: not encoded, or frames
	value    any    // *T, or frames; nil: only the payload is kept
}

// frames is the payload of a task in several parts. It takes the place of the value: few tasks have one, and a slot is no larger for it.
type frames [][]byte

// size returns how many bytes the payload has.
func (s *slot) size() int {
	size := len(s.payload)
	if parts, ok := s.value.(frames); ok {
		for _, p := range parts {
			size += len(p)
		}
	}
	return size
}

// minRing is how many slots a ring has at first.
const minRing = 64

// ring holds the tasks of a queue that are not done, by their sequence. Those that were overtaken by many others are in a map, so that one task
// that takes long does not make the ring grow.
type ring struct {
	slots []slot // a power of two
	base  uint64 // sequences before it are done, or in old
	next  uint64 // the sequence of the next task
	live  int    // tasks that are not done
	old   map[uint64]*slot
}

// at returns the task of that sequence, nil if it is done or was never there. It is valid until the next push.
func (r *ring) at(seq uint64) *slot {
	switch {
	case seq >= r.next:
		return nil
	case seq < r.base:
		return r.old[seq]
	}
	s := &r.slots[seq&uint64(len(r.slots)-1)]
	if s.state == free {
		return nil
	}
	return s
}

// push returns the slot of a new task, which the caller fills.
func (r *ring) push() (seq uint64, s *slot) {
	if r.next-r.base == uint64(len(r.slots)) {
		r.makeRoom()
	}
	seq = r.next
	r.next++
	r.live++
	return seq, &r.slots[seq&uint64(len(r.slots)-1)]
}

// makeRoom makes the ring longer, or if most of it is done, sets the oldest task apart.
func (r *ring) makeRoom() {
	if n := len(r.slots); n > 0 && r.live < n/2 {
		s := &r.slots[r.base&uint64(n-1)] // not done, or base would be behind it
		if r.old == nil {
			r.old = map[uint64]*slot{}
		}
		aside := *s
		r.old[r.base] = &aside
		*s = slot{}
		r.advance()
		return
	}
	longer := make([]slot, max(minRing, 2*len(r.slots)))
	for seq := r.base; seq < r.next; seq++ {
		longer[seq&uint64(len(longer)-1)] = r.slots[seq&uint64(len(r.slots)-1)]
	}
	r.slots = longer
}

// advance moves base to the oldest task in the ring.
func (r *ring) advance() {
	mask := uint64(len(r.slots) - 1)
	for r.base < r.next && r.slots[r.base&mask].state == free {
		r.base++
	}
}

// remove ends a task that at has returned.
func (r *ring) remove(seq uint64, s *slot) {
	r.live--
	if seq < r.base {
		delete(r.old, seq)
		return
	}
	*s = slot{}
	if seq == r.base {
		r.advance()
	}
	if r.live == 0 && len(r.slots) > defaultQueue { // a burst is over
		r.slots = nil
	}
}

// each calls f with the tasks of the range, in any order, until it has seen all of them. f may remove the task that it is called with.
func (r *ring) each(first, end uint64, f func(seq uint64, s *slot)) {
	end = min(end, r.next)
	if first < r.base && len(r.old) > 0 {
		for seq, s := range r.old {
			if seq >= first && seq < end {
				f(seq, s)
			}
		}
	}
	for seq := max(first, r.base); seq < end; seq++ {
		if s := r.at(seq); s != nil {
			f(seq, s)
		}
	}
}
