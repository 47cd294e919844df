package socket

import (
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// One goroutine beats for all connections of a socket: idle connections cost no timers and no more CPU than their PINGs.

func (b *base) heartbeat() {
	ticker := time.NewTicker(b.opts.HeartbeatInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, c := range b.connections() {
				c.beat()
			}
		case <-b.life.Done():
			return
		}
	}
}

// beat sends a PING to a peer that understands it, and ends a connection that was silent for too long. Any byte is a sign of life.
// While back-pressure stops our reader we hear nothing and judge nothing; our own PINGs go on, for the peer judges too.
func (c *conn) beat() {
	if !c.wire.stream() {
		return
	}
	opts := &c.base.opts
	if c.heard.Swap(false) || c.paused() {
		c.silent = 0
	} else {
		c.silent += opts.HeartbeatInterval
	}
	understands := c.own || c.peer.Minor >= 1
	limit := time.Duration(c.ttl.Load())
	if understands && (limit == 0 || limit > opts.HeartbeatTimeout) {
		limit = opts.HeartbeatTimeout
	}
	if limit > 0 && c.silent >= limit {
		c.abort(ErrSilent)
		return
	}
	if understands && c.pinging.CompareAndSwap(false, true) {
		c.out.control(zmtp.AppendPing(nil, opts.ttl(), nil), func() { c.pinging.Store(false) })
	}
}

// paused says whether back-pressure stops the reader: that of the application, or of the peer itself, which is to take a replay first.
func (c *conn) paused() bool {
	if c.out.easing() || c.held.Load() {
		return true
	}
	if c.in == nil {
		return false
	}
	_, _, paused := c.base.inbox.state(c.in)
	return paused
}

// ping answers a PING. The answer comes from the connection itself, whatever the application does.
func (c *conn) ping(rest []byte) error {
	ttl, context, err := zmtp.ParsePing(rest)
	if err != nil {
		return err
	}
	c.ttl.Store(int64(ttl))
	if !c.out.answer(zmtp.AppendPong(nil, context)) {
		return ErrFlood
	}
	return nil
}

// The first byte of the context of a PING says what its answer is for; a heartbeat has no context.
const (
	contextFlush        = 'F'
	contextSubscription = 'S'
)

func (c *conn) pong(context []byte) {
	switch {
	case len(context) == 0:
	case context[0] == contextFlush:
		c.flushAnswered()
	default:
		c.session.pong(context)
	}
}
