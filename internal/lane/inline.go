package lane

import (
	"math"
	"sync"
)

// Inline is a subscription without a queue: publishers call its handler themselves. Its counters are guarded by the route's lock, which
// publishers hold anyway, or by its own.
type Inline struct {
	Entry
	Gate
	Member
	idle chan struct{} // closed when no call is under way
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
	i.totals.Matched++
	i.totals.Running++
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
	i.Gate.mu.Lock()
	i.totals.Running--
	switch o {
	case Succeeded:
		i.totals.Succeeded++
	case Failed:
		i.totals.Failed++
	case Filtered:
		i.totals.Filtered++
	}
	if i.totals.Running == 0 {
		i.last()
	}
	i.Gate.mu.Unlock()
}

// last tells those who wait for it that no call is under way.
func (i *Inline) last() {
	if i.idle != nil {
		close(i.idle)
		i.idle = nil
	}
	if i.Member.closed {
		close(i.done)
	}
}

// Idle returns nil when no call is under way, else a channel that is closed as soon as that is so.
func (i *Inline) Idle() <-chan struct{} {
	i.Gate.mu.Lock()
	defer i.Gate.mu.Unlock()
	if i.totals.Running == 0 {
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
	return i.totals.Running == 0
}

// Close ends the subscription; calls under way go on. It is idempotent and does not wait: see Done.
func (i *Inline) Close() {
	i.Gate.mu.Lock()
	defer i.Gate.mu.Unlock()
	if i.Member.closed {
		return
	}
	i.Member.closed, i.Gate.closed = true, true
	if i.totals.Running == 0 {
		i.last()
	}
}

func (i *Inline) look() *Gate { return nil }

func (i *Inline) room() int { return math.MaxInt }

func (i *Inline) shares(*Member) (matched, queued uint64) { return 0, 0 }

func (i *Inline) counter() *Member { return &i.Member }
