package socket

import (
	"net"
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
	base       *base
	endpoint   endpoint
	nl         net.Listener
	bound      string
	mu         sync.Mutex
	handshakes []net.Conn // under way, the oldest first
}

func (l *listener) run() {
	b := l.base
	b.monitor.emit(Event{Kind: Listening, Endpoint: l.bound})
	defer func() { b.monitor.emit(Event{Kind: Unlistened, Endpoint: l.bound}) }()
	delay := acceptRetryMin
	for {
		nc, err := l.nl.Accept()
		if b.ctx.Err() != nil {
			if err == nil {
				_ = nc.Close()
			}
			return
		}
		if err != nil { // such as no more file descriptors: trying at once would only spin
			b.monitor.emit(Event{Kind: AcceptFailed, Endpoint: l.bound, Reason: err, Delay: delay})
			if !b.sleep(delay) {
				return
			}
			delay = min(2*delay, acceptRetryMax)
			continue
		}
		delay = acceptRetryMin
		l.accept(nc)
	}
}

func (l *listener) accept(nc net.Conn) {
	b := l.base
	l.admit(nc)
	b.monitor.emit(Event{Kind: Accepted, Endpoint: l.bound, Remote: remoteOf(nc)})
	b.tasks.Go(func() {
		c, err := b.greet(nil, l.bound, nc)
		l.greeted(nc)
		if err == nil {
			_ = b.serve(c) // an event has told
		}
	})
}

// admit adds a handshake. If there are too many, the oldest one has to end: true peers need milliseconds, so connections that stay silent
// cannot keep the others out.
func (l *listener) admit(nc net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.handshakes) >= l.base.opts.MaxHandshakes {
		l.base.counters.handshakesRefused.Add(1)
		_ = l.handshakes[0].Close() // its goroutine notices
		l.handshakes = slices.Delete(l.handshakes, 0, 1)
	}
	l.handshakes = append(l.handshakes, nc)
}

// greeted takes a handshake that has ended off the list.
func (l *listener) greeted(nc net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handshakes = slices.DeleteFunc(l.handshakes, func(other net.Conn) bool { return other == nc })
}

// sleep waits for d and returns false when the socket ends meanwhile.
func (b *base) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-b.ctx.Done():
		return false
	}
}
