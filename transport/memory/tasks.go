package memory

import (
	"errors"

	"github.com/fanfare-go/fanfare/transport"
)

// errRejected is why the way of tasks ended when the other side has rejected this one.
var errRejected = errors.New("memory: the peer has rejected the connection for tasks")

// Pushes reports true: every other transport of the network may have workers.
func (t *Transport) Pushes() bool { return true }

// Pulls reports true: every other transport of the network may have producers.
func (t *Transport) Pulls() bool { return true }

// TaskLimit returns 64 MiB.
func (t *Transport) TaskLimit() int { return maxSize }

// FrameLimit returns 1022.
func (t *Transport) FrameLimit() int { return maxParts }

// employ makes to a worker of from.
func employ(from, to *Transport) (*worker, *producer) {
	w := &worker{of: from, peer: to.peer}
	p := &producer{of: to, peer: from.peer, worker: w}
	w.producer = p
	w.peer.Role, p.peer.Role = "worker", "producer"
	w.box.hands, w.box.hand, w.box.open = &from.hands, w.hear, true
	w.box.took = func(bool) {}
	w.box.join = (*word).join
	p.box.hands, p.box.hand = &to.hands, p.deliver
	p.box.took = func(bool) { p.say(word{kind: written}) }
	from.pushing.mu.Lock()
	from.pushing.workers = append(from.pushing.workers, w)
	from.pushing.mu.Unlock()
	to.pulling.mu.Lock()
	to.pulling.producers = append(to.pulling.producers, p)
	p.box.open = to.pulling.sink != nil
	to.pulling.mu.Unlock()
	return w, p
}

// rejected counts and tells that a peer has broken the protocol of tasks. It stays a peer for all else.
func (t *Transport) rejected(peer transport.Peer, reason error) {
	t.counts.badPeers.Add(1)
	t.emit(transport.Event{Bad: true, Peer: peer, Err: reason})
}
