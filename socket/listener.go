package socket

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	acceptRetryMin = 5 * time.Millisecond
	acceptRetryMax = time.Second
)

// listener accepts on one endpoint. It never waits for a handshake: each runs in a goroutine of its own, and their number is bounded.
type listener struct {
	base     *base
	endpoint endpoint
	door     acceptor
	bound    string
	ctx      context.Context // ends with Unbind, or that of the socket
	cancel   context.CancelFunc
	ended    bool // guarded by base.mu

	mu         sync.Mutex
	handshakes []wire // under way, the oldest first
}

func newListener(b *base, e endpoint, door acceptor) *listener {
	l := &listener{base: b, endpoint: e, door: door, bound: e.bound(door.addr())}
	l.ctx, l.cancel = context.WithCancel(b.ctx)
	return l
}

func (l *listener) run() {
	b := l.base
	b.monitor.emit(Event{Kind: Listening, Endpoint: l.bound})
	defer func() { b.monitor.emit(Event{Kind: Closed, Endpoint: l.bound}) }()
	delay := acceptRetryMin
	for {
		w, err := l.door.accept()
		if l.ctx.Err() != nil {
			if err == nil {
				w.close()
			}
			return
		}
		if err != nil { // such as no more file descriptors: trying at once would only spin
			b.monitor.emit(Event{Kind: AcceptFailed, Endpoint: l.bound, Reason: err, Delay: delay})
			if !sleep(l.ctx, delay) {
				return
			}
			delay = min(2*delay, acceptRetryMax)
			continue
		}
		delay = acceptRetryMin
		l.accept(w)
	}
}

func (l *listener) accept(w wire) {
	b := l.base
	l.admit(w)
	b.monitor.emit(Event{Kind: Accepted, Endpoint: l.bound, Remote: w.remote()})
	b.tasks.Go(func() {
		c, err := origin{base: b, listener: l, text: l.bound}.greet(l.ctx, w)
		l.greeted(w)
		if err == nil {
			_ = b.serve(c) // an event has told
		}
	})
}

// admit adds a handshake. If there are too many, the oldest one has to end: true peers need milliseconds, so connections that stay silent
// cannot keep the others out.
func (l *listener) admit(w wire) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.handshakes) >= l.base.opts.MaxHandshakes {
		l.base.counters.handshakesRefused.Add(1)
		l.handshakes[0].close() // its goroutine notices
		l.handshakes = slices.Delete(l.handshakes, 0, 1)
	}
	l.handshakes = append(l.handshakes, w)
}

// greeted takes a handshake that has ended off the list.
func (l *listener) greeted(w wire) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handshakes = slices.DeleteFunc(l.handshakes, func(other wire) bool { return other == w })
}

// end stops listening.
func (l *listener) end() {
	l.cancel()
	if err := l.door.close(); err != nil { // its accept loop ends
		l.base.monitor.emit(Event{Kind: CloseFailed, Endpoint: l.bound, Reason: err})
	}
}

// sleep waits for d and returns false when ctx ends meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
