package memory

import (
	"slices"

	"github.com/fanfare-go/fanfare/transport"
)

// link is the way from one transport to another one.
type link struct {
	from, to *Transport
	events   queue[transport.Message] // guarded by to.inbox.mu
}

// connect makes the link from one transport to another one. The caller holds the network's lock.
func connect(from, to *Transport) {
	l := &link{from: from, to: to}
	all := append(slices.Clone(from.links()), l)
	from.outgoing.Store(&all)
	to.incoming = append(to.incoming, l)
}

// put queues an event for the receiver.
func (l *link) put(m transport.Message) {
	switch b := &l.to.inbox; b.put(l, m, l.from.network.hwm) {
	case queued:
		l.from.counts.sent.Add(1)
	case full:
		l.from.counts.dropped.Add(1)
	case ended: // it is no peer any more
	}
}
