package lane

import (
	"math"
	"sync"
	"sync/atomic"
)

// Inline is a subscription without a queue: publishers call its handler themselves. Its counters are guarded by the route's lock, which
// publishers hold anyway, or by its own.
type Inline struct {
	Entry
	Gate
	Member
	begun   uint64 // calls; guarded by the lock
	ended   outcomes
	watched atomic.Bool   // somebody wants to know when no call is under way
	idle    chan struct{} // closed then
	over    bool          // done was closed
}

// outcomes count calls that have ended.
type outcomes [Filtered + 1]atomic.Uint64

func (o *outcomes) sum() (n uint64) {
	for i := range o {
		n += o[i].Load()
	}
	return n
}

// NewInline returns an inline subscription. mu is the lock of the one route that leads to it, or nil if there may be several.
func NewInline(c Config, mu *sync.Mutex) *Inline {
	i := &Inline{Entry: Entry{ID: c.ID, mu: mu, free: math.MaxInt}}
	if mu == nil {
		i.Entry.mu, i.own = new(sync.Mutex), true
	}
	i.lane = i
	c.Local = DropOldest // there is nothing to wait for
	i.Gate.init(&c, i.Entry.mu, i)
	i.Member.init(&c, 0, &i.Gate)
	return i
}

// Begin notes a call that is about to be made. It reports false when there must be none: the subscription is closed. The caller holds the
// locks.
func (i *Inline) Begin() bool {
	if i.Member.closed {
		return false
	}
	i.begun++
	return true
}

// BeginReceived is Begin for an event from a transport.
func (i *Inline) BeginReceived() bool {
	i.Gate.mu.Lock()
	defer i.Gate.mu.Unlock()
	return i.Begin()
}

// End notes how a call has ended.
func (i *Inline) End(o Outcome) {
	i.ended[o].Add(1)
	if i.watched.Load() {
		i.tell()
	}
}

// tell tells those who wait for it that no call is under way, unless somebody has.
func (i *Inline) tell() {
	i.Gate.mu.Lock()
	defer i.Gate.mu.Unlock()
	if i.watched.Load() {
		i.settle()
	}
}

// settle reports whether no call is under way, and tells those who wait for it; if one is, its end will. The caller holds the lock.
func (i *Inline) settle() bool {
	i.watched.Store(true) // before counting, so that a call that ends after the count sees it
	if i.ended.sum() < i.begun {
		return false
	}
	i.watched.Store(false)
	if i.idle != nil {
		close(i.idle)
		i.idle = nil
	}
	if i.Member.closed && !i.over {
		i.over = true
		close(i.done)
	}
	return true
}

// Idle returns nil when no call is under way, else a channel that is closed as soon as that is so.
func (i *Inline) Idle() <-chan struct{} {
	i.Gate.mu.Lock()
	defer i.Gate.mu.Unlock()
	if i.settle() {
		return nil
	}
	if i.idle == nil {
		i.idle = make(chan struct{})
	}
	return i.idle
}

// Rests reports whether no call is under way. The caller holds the locks of all routes.
func (i *Inline) Rests() bool {
	i.Lock()
	defer i.Unlock()
	return i.ended.sum() == i.begun
}

// Close ends the subscription; calls under way go on. It is idempotent and does not wait: see Done.
func (i *Inline) Close() {
	i.Gate.mu.Lock()
	defer i.Gate.mu.Unlock()
	if i.Member.closed {
		return
	}
	i.Member.closed, i.Gate.closed = true, true
	i.settle()
}

func (i *Inline) look() *Gate { return nil }

func (i *Inline) room() int { return math.MaxInt }

func (i *Inline) able() int { return math.MaxInt }

func (i *Inline) counter() *Member { return &i.Member }

func (i *Inline) count(_ *Member, t *Totals) {
	succeeded, failed, filtered := i.ended[Succeeded].Load(), i.ended[Failed].Load(), i.ended[Filtered].Load()
	t.Matched += i.begun
	t.Running += i.begun - succeeded - failed - filtered // begun is guarded: at this moment these are under way
	t.Succeeded += succeeded
	t.Failed += failed
	t.Filtered += filtered
}
