package socket

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// link is a dialled endpoint: one connection at a time, made again whenever it is lost. Its inlet outlives the connections, so
// a publisher that comes and goes cannot fill more than one receive queue.
type link struct {
	base      *base
	endpoint  endpoint
	in        *inlet
	ctx       context.Context // ends with Disconnect, or that of the socket
	cancel    context.CancelFunc
	connected bool  // guarded by base.mu
	ended     bool  // guarded by base.mu
	failure   error // why there is no connection, as far as known; guarded by base.mu
}

func newLink(b *base, e endpoint) *link {
	l := &link{base: b, endpoint: e}
	l.ctx, l.cancel = context.WithCancel(b.ctx)
	if b.inbox != nil {
		l.in = newInlet()
	}
	return l
}

func (l *link) run() {
	b := l.base
	delay := b.opts.ReconnectInterval
	for {
		wasPeer, err := l.connect()
		if l.ctx.Err() != nil {
			return
		}
		if wasPeer && !misbehaved(err) {
			delay = b.opts.ReconnectInterval
		}
		// Jitter, so that the peers of a restarted server do not all come back in the same instant.
		wait := delay - rand.N(delay/2+1)
		b.mu.Lock()
		l.failure = err
		b.mu.Unlock()
		b.monitor.emit(Event{Kind: ConnectRetried, Endpoint: l.endpoint.text, Reason: err, Delay: wait})
		if !sleep(l.ctx, wait) {
			return
		}
		delay = min(2*delay, b.opts.ReconnectMax)
	}
}

// connect makes the connection and serves it until it ends.
func (l *link) connect() (wasPeer bool, err error) {
	b, text := l.base, l.endpoint.text
	b.monitor.emit(Event{Kind: ConnectDelayed, Endpoint: text})
	w, err := l.endpoint.dial(l.ctx, &b.opts)
	if err != nil {
		return false, err
	}
	b.monitor.emit(Event{Kind: Connected, Endpoint: text, Remote: w.remote()})
	c, err := origin{base: b, link: l, text: text}.greet(l.ctx, w)
	if err != nil {
		return false, err
	}
	return true, b.serve(c)
}

// misbehaved says whether a peer was at fault, so that coming back at once would find the same again.
func misbehaved(err error) bool {
	var protocol *zmtp.ProtocolError
	return errors.As(err, &protocol) || errors.Is(err, ErrFlood) || errors.Is(err, ErrSubscriptions)
}
