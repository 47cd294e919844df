package memory

import (
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// batch is how many items are handed on at once.
const batch = 64

// mailbox hands on what comes, in order, from one goroutine at a time, which is there as long as there is something and somebody to hand it
// to. So whoever puts something in never waits for who gets it.
type mailbox[T any] struct {
	hands *sync.WaitGroup           // of the transport that gets it, which waits for the goroutine
	hand  func(some []T)            // may wait, and may keep what the items are, but not the slice
	took  func(full bool)           // items have been taken out; full: somebody has found no room before
	join  func(newest *T, v T) bool // adds v to the newest item that waits, if it can be; nil: never

	mu      sync.Mutex
	waiting queue[T]
	put     uint64 // items so far
	taken   uint64
	open    bool // hand may be called
	full    bool // somebody has found no room
	over    bool // nothing is put in any more
	last    func()
	working bool
	some    []T // what is being handed on
}

// add puts an item in, as the nth, unless limit or more wait. A negative limit is none. The error is [transport.ErrFull] or
// [transport.ErrLost].
func (b *mailbox[T]) add(v T, limit int) (nth uint64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.over:
		return 0, transport.ErrLost
	case b.join != nil && b.waiting.len() > 0 && b.join(b.waiting.last(), v):
		return b.put, nil
	case limit >= 0 && b.waiting.len() >= limit:
		b.full = true
		return 0, transport.ErrFull
	}
	b.waiting.push(v)
	b.put++
	b.start()
	return b.put, nil
}

// start has a goroutine hand on what there is. The caller holds the lock.
func (b *mailbox[T]) start() {
	if b.ready() && !b.working {
		b.working = true
		b.hands.Go(b.work)
	}
}

// ready reports whether there is something to do. The caller holds the lock.
func (b *mailbox[T]) ready() bool {
	if b.waiting.len() == 0 {
		return b.last != nil
	}
	return b.open
}

func (b *mailbox[T]) work() {
	for {
		b.mu.Lock()
		if !b.ready() {
			b.working, b.some = false, nil
			b.mu.Unlock()
			return
		}
		if b.waiting.len() == 0 {
			last := b.last
			b.last = nil
			b.mu.Unlock()
			last()
			continue
		}
		if want := min(batch, b.waiting.len()); len(b.some) < want {
			b.some = make([]T, want)
		}
		n := b.waiting.take(b.some)
		b.taken += uint64(n)
		full := b.full
		b.full = false
		b.mu.Unlock()
		b.took(full)
		b.hand(b.some[:n])
		clear(b.some[:n])
	}
}

// serve says whether there is somebody to hand items to. It does not wait for those that are being handed on.
func (b *mailbox[T]) serve(open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = open
	b.start()
}

// count returns how many items were taken out.
func (b *mailbox[T]) count() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken
}

// end lets nothing more in, and has last called, from the same goroutine, when what waits has been handed on. drop: what waits is not. It
// returns how many items that concerns, and reports whether the mailbox had not ended yet: last is that of the first call.
func (b *mailbox[T]) end(drop bool, last func()) (dropped int, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if drop {
		dropped = b.waiting.clear()
	}
	if first = !b.over; first {
		b.over, b.last = true, last
	}
	b.start()
	return dropped, first
}

// close is for the end of the transport that gets the items: nothing more is handed on, and last is not called. It returns how many items
// waited. After it no goroutine begins.
func (b *mailbox[T]) close() (dropped int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over, b.open, b.last = true, false, nil
	return b.waiting.clear()
}
