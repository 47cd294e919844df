package memory

import (
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/transport"
)

// turn is how many events of one sender are received before others have a turn.
const turn = 32

// inbox is what waits for Receive, and what its transport is subscribed to.
type inbox struct {
	subscribed atomic.Pointer[prefixes] // replaced under the network's lock and mu
	arrived    chan struct{}            // has a token when something has come into an empty inbox

	mu    sync.Mutex
	ready queue[*link] // those that have events
	ended bool
}

func (b *inbox) init() {
	b.subscribed.Store(&prefixes{})
	b.arrived = make(chan struct{}, 1)
}

// wants reports whether there is a subscription to a prefix of topic.
func (b *inbox) wants(topic string) bool { return b.subscribed.Load().match(topic) }

// outcome is what became of something that was to be queued.
type outcome int

const (
	queued outcome = iota
	full
	ended
)

// put queues an event on l, unless limit or more are. A negative limit is none.
func (b *inbox) put(l *link, m transport.Message, limit int) outcome {
	b.mu.Lock()
	switch {
	case b.ended:
		b.mu.Unlock()
		return ended
	case limit >= 0 && l.events.len() >= limit:
		b.mu.Unlock()
		return full
	}
	b.push(l, m)
	b.mu.Unlock()
	return queued
}

// push queues an event on l. The caller holds the lock.
func (b *inbox) push(l *link, m transport.Message) {
	l.events.push(m)
	if l.events.len() > 1 {
		return
	}
	if b.ready.push(l); b.ready.len() > 1 {
		return
	}
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

// take moves events into dst, in turns over their senders.
func (b *inbox) take(dst []transport.Message) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var next [1]*link
	for n < len(dst) && b.ready.take(next[:]) > 0 {
		l := next[0]
		n += l.events.take(dst[n:min(len(dst), n+turn)])
		if l.events.len() > 0 {
			b.ready.push(l)
		}
	}
	return n
}

// end takes nothing more, and returns how many events nobody has received.
func (b *inbox) end() (untaken int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	var next [1]*link
	for b.ready.take(next[:]) > 0 {
		untaken += next[0].events.clear()
	}
	return untaken
}
