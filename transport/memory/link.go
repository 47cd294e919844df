package memory

import (
	"slices"

	"github.com/fanfare-go/fanfare/transport"
)

// link is the way from one transport to another one.
type link struct {
	from, to *Transport
	events   queue[transport.Message] // guarded by to.inbox.mu
	client   *client                  // from, as it asks to
	server   *server                  // to, as from asks it
	worker   *worker                  // to, as it gets the tasks of from
	producer *producer                // from, as it gives tasks to to
}

// connect makes the link from one transport to another one. The caller holds the network's lock.
func connect(from, to *Transport) {
	l := &link{from: from, to: to}
	l.client, l.server = meet(from, to)
	l.worker, l.producer = employ(from, to)
	all := append(slices.Clone(from.links()), l)
	from.outgoing.Store(&all)
	to.incoming = append(to.incoming, l)
}

// introduce tells who gives tasks, and who takes them, of each other.
func (l *link) introduce() {
	l.worker.introduce()
	l.producer.introduce(l.to.pulling.now())
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
