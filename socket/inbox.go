package socket

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/go-zeromq/zmq4"
)

// maxIdleRing is how many places an empty queue keeps: beyond, it has grown without a mark and should not stay so.
const maxIdleRing = 16 << 10

// inbox is what a socket has received and the application has not yet taken: one queue for each peer, emptied in turns, one message
// at a time, so that a busy peer does not starve a quiet one.
type inbox struct {
	hwm      int            // per peer; negative: none
	replaced *atomic.Uint64 // counts messages that a newer one replaced; nil: none are replaced

	ordered bool     // all in the order in which they came, not in turns; an inlet then only counts
	all     inlet    // and what they have is here
	owners  []*inlet // whose each of those is

	mu          sync.Mutex
	first, last *inlet        // those with messages, in the order of their turns
	waiting     int           // receivers
	wake        chan struct{} // a token for one of them
	closed      bool
	done        chan struct{} // closed with it
}

// inlet is the queue of one peer. It outlives the connection: what was received before a loss is still delivered.
type inlet struct {
	next   *inlet
	ring   [][][]byte // messages, from head on; the length is a power of two
	head   int
	n      int
	paused bool
	room   chan struct{} // a token for the paused reader
	taken  uint64
	leases []lease // of the pages that the messages are in
}

func newInbox(hwm int) *inbox {
	return &inbox{hwm: hwm, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func newInlet() *inlet { return &inlet{room: make(chan struct{}, 1)} }

// put queues messages of one peer, and waits while limit of them wait; negative: no limit. It returns how many it took: all, unless the inbox
// is closed. It keeps the messages and pages and not the slices.
func (b *inbox) put(in *inlet, messages [][][]byte, pages []*zmtp.Page, limit int) (n int) {
	for {
		b.mu.Lock()
		if b.closed {
			b.mu.Unlock()
			return n
		}
		if !b.ordered && b.replaced == nil {
			in.lease(pages, len(messages))
			pages = nil
		}
		if b.replaced != nil {
			n = b.replace(in, messages)
		}
		k := len(messages) - n
		if limit >= 0 && b.replaced == nil {
			k = max(0, min(k, limit-in.n))
		}
		to := in
		if b.ordered {
			to = &b.all
			in.n += k
			for range k {
				b.owners = append(b.owners, in)
			}
		}
		if to.n == 0 && k > 0 {
			b.append(to)
		}
		to.push(messages[n : n+k])
		n += k
		in.paused = n < len(messages)
		paused, wake := in.paused, b.waiting > 0
		b.mu.Unlock()
		if wake {
			token(b.wake)
		}
		if !paused {
			return n
		}
		select {
		case <-in.room:
		case <-b.done:
		}
	}
}

// await waits until fewer than limit messages of a peer wait.
func (b *inbox) await(in *inlet, limit int) {
	for {
		b.mu.Lock()
		in.paused = in.n >= limit && !b.closed
		paused := in.paused
		b.mu.Unlock()
		if !paused {
			return
		}
		select {
		case <-in.room:
		case <-b.done:
		}
	}
}

// replace drops all but the newest message, and returns how many of messages that were.
func (b *inbox) replace(in *inlet, messages [][][]byte) (dropped int) {
	if len(messages) == 0 {
		return 0
	}
	if in.n > 0 { // the list has it already: change it in place
		in.ring[in.head] = messages[len(messages)-1]
		b.replaced.Add(uint64(len(messages)))
		return len(messages)
	}
	b.replaced.Add(uint64(len(messages) - 1))
	return len(messages) - 1
}

// take fills buf with at least one message, in turns over the peers. It waits for one until ctx ends. The messages are lent to a batch, or with nil
// given away for good.
func (b *inbox) take(ctx context.Context, buf []zmq4.Msg, to *Batch) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	b.mu.Lock()
	for b.first == nil {
		if b.closed {
			b.mu.Unlock()
			return 0, ErrClosed
		}
		b.waiting++
		b.mu.Unlock()
		var err error
		select {
		case <-b.wake:
		case <-b.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
		b.mu.Lock()
		b.waiting--
		if err != nil {
			b.mu.Unlock()
			return 0, err
		}
	}
	n := b.fill(buf, to)
	more := b.first != nil && b.waiting > 0
	b.mu.Unlock()
	if more {
		token(b.wake)
	}
	return n, nil
}

func (b *inbox) fill(buf []zmq4.Msg, to *Batch) (n int) {
	for n < len(buf) && b.first != nil {
		in := b.first
		if b.ordered {
			k := in.pop(buf[n:], to)
			n += k
			b.taken(k)
		} else if in.next == nil { // alone: no turns to take
			n += in.pop(buf[n:], to)
		} else {
			n += in.pop(buf[n:n+1], to)
		}
		b.endTurn(in)
	}
	return n
}

// endTurn puts the first inlet behind the others, or out of the list when it is empty, and lets its reader go on when there is room.
func (b *inbox) endTurn(in *inlet) {
	b.first, in.next = in.next, nil
	if b.first == nil {
		b.last = nil
	}
	switch {
	case in.n > 0:
		b.append(in)
	case len(in.ring) > maxIdleRing:
		in.ring, in.head = nil, 0
	}
	b.ease(in)
}

// taken notes whose the first n messages were.
func (b *inbox) taken(n int) {
	for _, in := range b.owners[:n] {
		in.n--
		in.taken++
		b.ease(in)
	}
	clear(b.owners[:n])
	if b.owners = b.owners[n:]; len(b.owners) == 0 {
		b.owners = nil
	}
}

func (b *inbox) ease(in *inlet) {
	// Half empty, not one free place: the reader should have something to do when it wakes.
	if in.paused && in.n <= b.hwm/2 || in.paused && in.n == 0 {
		in.paused = false
		token(in.room)
	}
}

func (b *inbox) append(in *inlet) {
	if b.last == nil {
		b.first = in
	} else {
		b.last.next = in
	}
	b.last = in
}

// close drops what is queued and returns how many that was.
func (b *inbox) close() (dropped int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0
	}
	b.closed = true
	close(b.done)
	for in := b.first; in != nil; in = in.next {
		dropped += in.n
		in.ring, in.n = nil, 0
	}
	b.first, b.last, b.owners = nil, nil, nil
	return dropped
}

func (b *inbox) queued() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for in := b.first; in != nil; in = in.next {
		n += in.n
	}
	return n
}

// state returns what waits in an inlet, what was taken from it, and whether its reader is paused.
func (b *inbox) state(in *inlet) (queued int, taken uint64, paused bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return in.n, in.taken, in.paused
}

func (in *inlet) push(messages [][][]byte) {
	if need := in.n + len(messages); need > len(in.ring) {
		in.grow(need)
	}
	at := (in.head + in.n) & (len(in.ring) - 1)
	k := copy(in.ring[at:], messages)
	copy(in.ring, messages[k:])
	in.n += len(messages)
}

func (in *inlet) grow(need int) {
	size := max(16, len(in.ring))
	for size < need {
		size *= 2
	}
	ring := make([][][]byte, size)
	k := copy(ring, in.ring[in.head:])
	copy(ring[k:], in.ring[:in.head])
	in.ring, in.head = ring, 0
}

// pop moves messages into buf, as many as there are without going round the ring, and returns how many.
func (in *inlet) pop(buf []zmq4.Msg, to *Batch) int {
	messages := in.ring[in.head:min(in.head+in.n, len(in.ring))]
	messages = messages[:min(len(messages), len(buf))]
	for i, m := range messages {
		buf[i] = zmq4.Msg{Frames: m}
	}
	clear(messages) // the receiver alone keeps them alive
	k := len(messages)
	in.head = (in.head + k) & (len(in.ring) - 1)
	in.n -= k
	in.taken += uint64(k)
	in.lend(to)
	return k
}

// token puts a token into a channel of one place; a second one is the same.
func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
