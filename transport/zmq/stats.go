package zmq

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
)

// counts are what the sockets do not count themselves.
type counts struct {
	received, unusable, untaken, badPeers, eventsLost, repliesDropped atomic.Uint64
}

// Stats returns the counters. Sent counts a message once for each peer and time that it was queued for it, unless the peer's connection was lost
// before it was written: those are in Dropped, with the messages that a full queue could not take and the received ones whose topic
// was too long. Tasks are in Sent and Received as well; one that a lost connection has cost is not dropped: it goes to another peer.
func (t *Transport) Stats() transport.Stats {
	pub, sub := t.pub.Stats(), t.sub.Stats()
	push, pull := t.tasks.push.socket.Stats(), t.tasks.pull.socket.Stats()
	return transport.Stats{
		Sent:       pub.Sent + uint64(pub.Queued) + push.Sent + uint64(push.Queued),
		Received:   t.counts.received.Load(),
		Dropped:    pub.Dropped + t.counts.unusable.Load(),
		Untaken:    sub.Dropped + t.counts.untaken.Load(),
		BadPeers:   t.counts.badPeers.Load(),
		EventsLost: t.counts.eventsLost.Load() + pub.EventsDropped + sub.EventsDropped + push.EventsDropped + pull.EventsDropped,

		RetainedEvicted: pub.Evicted,

		LateReplies:    t.requests.late.Load(),
		RepliesDropped: t.counts.repliesDropped.Load(),
	}
}

// countBad counts a connection that ended for that reason, if it was the peer's fault, and reports whether it was.
func (t *Transport) countBad(reason error) bool {
	bad := misbehaved(reason)
	if bad {
		t.counts.badPeers.Add(1)
	}
	return bad
}

// misbehaved reports whether a connection that ended for that reason had a peer at fault: not the network, not a silence, not
// ourselves.
func misbehaved(reason error) bool {
	var network net.Error // timeouts included
	if reason == nil || errors.As(reason, &network) {
		return false
	}
	for _, innocent := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.Canceled, socket.ErrClosed, socket.ErrSilent} {
		if errors.Is(reason, innocent) {
			return false
		}
	}
	return true
}
