package memory

import (
	"fmt"
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// Network connects the transports that have joined it. All methods may be called concurrently.
type Network struct {
	hwm int

	mu      sync.Mutex // comes before all other locks, and keeps members and their links as they are
	joined  int
	members []*Transport
}

// NewNetwork returns a network that nobody has joined. nil options are the defaults.
func NewNetwork(o *Options) *Network { return &Network{hwm: o.hwm()} }

// Join returns a new transport, connected with all others that have not ended. It belongs to the caller, who ends it with Close or
// Shutdown.
func (n *Network) Join() *Transport {
	n.mu.Lock()
	n.joined++
	t := newTransport(n, transport.Peer{Endpoint: "memory", Address: fmt.Sprintf("memory #%d", n.joined), Role: "peer"})
	for _, other := range n.members {
		connect(t, other)
		connect(other, t)
		t.emit(transport.Event{Up: true, Peer: other.peer})
		other.emit(transport.Event{Up: true, Peer: t.peer})
	}
	n.members = append(n.members, t)
	links := append(slices.Clone(t.incoming), t.links()...)
	n.mu.Unlock()
	for _, l := range links {
		l.introduce()
		l.to.changed.Tell()
	}
	return t
}

// leave takes a transport out, and returns the links that it had.
func (n *Network) leave(t *Transport) (outgoing, incoming []*link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.members = slices.DeleteFunc(n.members, func(m *Transport) bool { return m == t })
	outgoing, incoming = t.links(), t.incoming
	t.outgoing.Store(&[]*link{})
	t.incoming = nil
	for _, l := range outgoing {
		l.to.incoming = slices.DeleteFunc(l.to.incoming, func(in *link) bool { return in == l })
		l.to.emit(transport.Event{Peer: t.peer, Err: errLeft})
	}
	for _, l := range incoming {
		rest := slices.DeleteFunc(slices.Clone(l.from.links()), func(out *link) bool { return out == l })
		l.from.outgoing.Store(&rest)
	}
	return outgoing, incoming
}
