package zmq

import (
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
)

// eventBuffer is how many events wait for the reader of Events.
const eventBuffer = 256

// Events returns the channel on which peers coming and going are told: those of both sockets. Up to 256 events wait for its reader.
func (t *Transport) Events() <-chan transport.Event { return t.events }

// watch passes on the changes and events of one socket until that is closed. A change that comes between telling of one and waiting
// for the next is not missed: the channel is taken first.
func (t *Transport) watch(s socket.Socket) {
	changed := s.Changed()
	t.watchers.Go(func() {
		for {
			select {
			case <-changed:
				changed = s.Changed()
				t.changed.Tell()
			case e, ok := <-s.Events():
				if !ok {
					return
				}
				t.translate(e)
			}
		}
	})
}

// translate tells of a peer that came or went, and counts the bad ones.
func (t *Transport) translate(e socket.Event) {
	switch e.Kind {
	case socket.HandshakeSucceeded:
		t.emit(transport.Event{Up: true, Peer: peer(e)})
	case socket.Disconnected:
		t.emit(transport.Event{Bad: t.countBad(e.Reason), Peer: peer(e), Err: e.Reason})
	case socket.HandshakeFailedNoDetail, socket.HandshakeFailedProtocol, socket.HandshakeFailedAuth:
		t.emit(transport.Event{Refused: true, Bad: t.countBad(e.Reason), Peer: peer(e), Err: e.Reason})
	}
}

// emit never waits.
func (t *Transport) emit(e transport.Event) {
	select {
	case t.events <- e:
	default:
		t.counts.eventsLost.Add(1)
	}
}

// peer describes the peer of an event.
func peer(e socket.Event) transport.Peer {
	if e.Peer != nil { // its handshake was completed
		return peerOf(*e.Peer)
	}
	return transport.Peer{Endpoint: e.Endpoint, Address: e.Remote}
}

func peerOf(p socket.Peer) transport.Peer {
	return transport.Peer{Endpoint: p.Endpoint, Address: p.Remote, Role: string(p.Type), Plain: !p.Own}
}
