package socket

import (
	"net"
	"sync/atomic"
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
	handshakes atomic.Int64
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
	if l.handshakes.Load() >= int64(b.opts.MaxHandshakes) {
		b.counters.handshakesRefused.Add(1)
		_ = nc.Close()
		return
	}
	l.handshakes.Add(1)
	b.monitor.emit(Event{Kind: Accepted, Endpoint: l.bound, Remote: remoteOf(nc)})
	b.tasks.Go(func() {
		c, err := b.greet(nil, l.bound, nc)
		l.handshakes.Add(-1)
		if err == nil {
			_ = b.serve(c) // an event has told
		}
	})
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
