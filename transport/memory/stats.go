package memory

import (
	"sync/atomic"

	"github.com/fanfare-go/fanfare/transport"
)

type counts struct {
	sent, received, dropped, untaken, badPeers, eventsLost, evicted, late, repliesDropped atomic.Uint64
}

// Stats returns the counters. Sent counts a message once for each peer and time that it was queued for it; that peer has it in Received or
// Untaken, or it waits there. Tasks are in Sent, Received and Untaken as well; one that a lost connection has cost is taken out of Sent,
// and is not dropped: it goes to another peer.
func (t *Transport) Stats() transport.Stats {
	c := &t.counts
	return transport.Stats{
		Sent:            c.sent.Load(),
		Received:        c.received.Load(),
		Dropped:         c.dropped.Load(),
		Untaken:         c.untaken.Load(),
		BadPeers:        c.badPeers.Load(),
		EventsLost:      c.eventsLost.Load(),
		RetainedEvicted: c.evicted.Load(),
		LateReplies:     c.late.Load(),
		RepliesDropped:  c.repliesDropped.Load(),
	}
}
