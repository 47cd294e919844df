package socket

import (
	"sync/atomic"

	"github.com/go-zeromq/zmq4"
)

// Stats counts what a socket has done since it was made. Each figure is exact; they are read one after the other.
type Stats struct {
	Peers      int    // connected now
	Queued     int    // messages waiting to be written, or to be received, now
	Sent       uint64 // messages written, once for each peer
	Received   uint64 // messages received and wanted
	Dropped    uint64 // messages lost here: send queue full, connection lost or socket closed with messages queued
	Filtered   uint64 // messages received without a subscription, such as those on their way when it ended
	Conflated  uint64 // messages that a newer one replaced, by Options.Conflate
	Unroutable uint64 // messages of a ROUTER to a peer that is not there
	Retained   int    // messages kept now for peers that subscribe later, by SendRetained
	Evicted    uint64 // messages that were kept and had to go because the limit of their first frame was reached
	Replayed   uint64 // messages queued because a peer subscribed; they count as sent, too
	Junk       uint64 // messages and commands of peers that mean nothing to this socket

	Connects          uint64 // handshakes that succeeded
	Disconnects       uint64
	HandshakesFailed  uint64
	HandshakesRefused uint64 // connections closed because too many handshakes were running
	EventsDropped     uint64 // events that did not fit into the buffer
}

// Peer describes a connected peer.
type Peer struct {
	Endpoint  string // as given to Dial, or as bound
	Remote    string // its address, "local" for an ipc peer that dialled
	Type      zmq4.SocketType
	Identity  string            // that it announced
	RoutingID []byte            // of a peer of ROUTER or REP; do not change
	Own       bool              // it is a socket of this package
	Metadata  map[string]string // all properties it sent, names in lower case; do not change
	Queued    int               // messages waiting to be written to it, or received from it and not yet taken
	Sent      uint64            // messages written
	Received  uint64            // messages received; on a dialled endpoint, over all its connections
	Dropped   uint64            // messages dropped for this peer
	Junk      uint64            // messages and commands that mean nothing to this socket
}

type counters struct {
	received, dropped, filtered, junk, conflated, unroutable   atomic.Uint64
	connects, disconnects, handshakesFailed, handshakesRefused atomic.Uint64
	evicted, replayed                                          atomic.Uint64
	retained                                                   atomic.Int64
}

// add adds what a connection has counted.
func (s *Stats) add(c *conn) {
	_, sent, dropped := c.out.counts()
	s.Sent += sent
	s.Dropped += dropped
	s.Junk += c.junk.Load()
}

// Stats returns the socket's counters.
func (b *base) Stats() Stats {
	waiting := 0
	if b.balancer != nil {
		waiting = b.balancer.queued() // its lock comes first
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.retired
	s.Peers = len(b.conns)
	for c := range b.conns {
		queued, _, _ := c.out.counts()
		s.Queued += queued
		s.add(c)
	}
	if b.inbox != nil {
		s.Queued += b.inbox.queued()
	}
	s.Queued += waiting
	s.Junk += b.counters.junk.Load()
	s.Conflated = b.counters.conflated.Load()
	s.Unroutable = b.counters.unroutable.Load()
	s.Retained = int(b.counters.retained.Load())
	s.Evicted = b.counters.evicted.Load()
	s.Replayed = b.counters.replayed.Load()
	s.Received = b.counters.received.Load()
	s.Dropped += b.counters.dropped.Load()
	s.Filtered = b.counters.filtered.Load()
	s.Connects = b.counters.connects.Load()
	s.Disconnects = b.counters.disconnects.Load()
	s.HandshakesFailed = b.counters.handshakesFailed.Load()
	s.HandshakesRefused = b.counters.handshakesRefused.Load()
	s.EventsDropped = b.monitor.lost()
	return s
}

// Peers describes the peers that are connected now, in no order.
func (b *base) Peers() []Peer {
	conns := b.connections()
	peers := make([]Peer, len(conns))
	for i, c := range conns {
		peers[i] = c.snapshot()
	}
	return peers
}
