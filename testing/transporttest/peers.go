package transporttest

import (
	"fmt"

	"github.com/fanfare-go/fanfare/transport"
)

func peerChecks() []check {
	const channel = "It is the same channel at every call and is closed when the transport ends."
	return []check{
		{"peers that come and go are told", "Events returns the channel on which peers coming and going are told.", tellsPeers},
		{"peers of this module are not plain", "Plain is true for peers that are not ours", peersAreOurs},
		{"Events is always the same channel", channel, sameEvents},
		{"Close closes the channel of Events", channel, closeEndsEvents},
		{"Shutdown closes the channel of Events", channel, shutdownEndsEvents},
		{"events that nobody reads are counted", "What its reader is too slow for is counted in Stats.", eventsLostAreCounted},
	}
}

// event returns the next event; ok is false at the end of the channel.
func (s *stage) event(tr transport.Transport, what string) (e transport.Event, ok bool) {
	s.call(what, func() { e, ok = <-tr.Events() })
	return e, ok
}

// up returns the next event, which must be a peer that has come.
func (s *stage) up(tr transport.Transport) transport.Event {
	e, ok := s.event(tr, "Events, with a peer that has come,")
	if !ok || !e.Up || e.Refused || e.Bad || e.Err != nil {
		s.failf("expected Events to tell that a peer is up, but it told %+v (channel open: %t)", e, ok)
	}
	return e
}

func tellsPeers(s *stage) {
	tr, peer := s.open(), s.open()
	up := map[transport.Peer]int{s.up(tr).Peer: 1}
	s.must("Close", peer.Close)
	for n := 1; n > 0; {
		e, ok := s.event(tr, "Events, with a peer that has gone,")
		switch {
		case !ok || e.Bad:
			s.failf("expected Events to tell that a peer is gone, but it told %+v (channel open: %t)", e, ok)
		case e.Refused: // a connection that was being made when the peer went
		case e.Up:
			up[e.Peer]++
			n++
		case up[e.Peer] == 0:
			s.failf("expected Events to tell the end of peers that came, which are %v, but it told %+v", up, e)
		default:
			up[e.Peer]--
			n--
		}
	}
}

func peersAreOurs(s *stage) {
	tr := s.open()
	s.open()
	if e := s.up(tr); e.Peer.Plain {
		s.failf("expected a peer of the same kind not to be plain, but it is %+v", e.Peer)
	}
}

func sameEvents(s *stage) {
	tr := s.open()
	first := tr.Events()
	s.open()
	if tr.Events() != first {
		s.failf("expected Events to return the same channel at every call, but it returned another one")
	}
	s.must("Close", tr.Close)
	if tr.Events() != first {
		s.failf("expected Events to return the same channel at every call, but after Close it returned another one")
	}
}

func closeEndsEvents(s *stage) {
	s.endsEvents("Close", func(tr transport.Transport) error { return tr.Close() })
}

func shutdownEndsEvents(s *stage) {
	s.endsEvents("Shutdown", func(tr transport.Transport) error {
		ctx, cancel := s.patient()
		defer cancel()
		return tr.Shutdown(ctx)
	})
}

func (s *stage) endsEvents(name string, end func(tr transport.Transport) error) {
	tr := s.open()
	s.open()
	s.must(name, func() error { return end(tr) })
	for more := true; more; {
		_, more = s.event(tr, fmt.Sprintf("Events to be closed after %s", name))
	}
}

// Many peers come and go, which nobody reads of: each event is told in the end, or counted.
func eventsLostAreCounted(s *stage) {
	const peers = 150 // with two events each, more than a driver should keep
	tr := s.open()
	for range peers {
		peer := s.open()
		s.must("Close", peer.Close)
		s.ready(tr, 0)
	}
	s.must("Close", tr.Close)
	told := uint64(0)
	for {
		if _, more := s.event(tr, "Events to be closed after Close"); !more {
			break
		}
		told++
	}
	if lost := tr.Stats().EventsLost; told+lost < 2*peers {
		s.failf("expected at least %d events of %d peers, told or counted in EventsLost, but %d were told and %d counted", 2*peers, peers, told, lost)
	}
}
