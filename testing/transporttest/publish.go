package transporttest

import (
	"strings"

	"github.com/fanfare-go/fanfare/transport"
)

func publishChecks() []check {
	return []check{
		{"an event reaches every peer with a prefix of its topic", "Publish hands m to every peer that subscribed to a prefix of its topic.", reachesSubscribers},
		{"an event reaches a peer once", "Publish hands m to every peer that subscribed to a prefix of its topic.", reachesOnce},
		{"publishing to nobody succeeds", "Publish hands m to every peer that subscribed to a prefix of its topic.", reachesNobody},
		{"what has no payload is refused", "What has none is refused with an error, but for the message that ends a request.", refusesNoPayload},
		{"what cannot be published is handed to nobody", "An error means that m was handed to nobody.", refusedReachesNobody},
		{"Publish does not wait for a peer", "It never waits for a peer", neverWaits},
		{"what a peer cannot take is counted", "what a peer cannot take is dropped for that peer and counted by the transport.", dropsAreCounted},
		{"a peer that does not receive costs others nothing", "what a peer cannot take is dropped for that peer", slowPeerIsAlone},
		{"Sent and Received are counted", "Sent and Received count messages handed to peers' queues and messages returned by Receive.", countsMessages},
	}
}

func reachesSubscribers(s *stage) {
	pub, a, both, none := s.open(), s.open(), s.open(), s.open()
	s.subscribe(a, 3, "a.")
	s.subscribe(both, 3, "a", "b")
	s.subscribe(none, 3, "c")
	am, bm, end := message("a.x", "1"), message("b", "2"), message("c", "3")
	s.publish(pub, am, bm, message("A.x", "unwanted"), end)
	s.arrive(a, am)
	s.arrive(both, am, bm)
	s.arrive(none, end)
	s.publish(pub, message("a.", "last"))
	s.arrive(a, message("a.", "last"))
}

func reachesOnce(s *stage) {
	pub, sub := s.pair("", "t", "topic", "topic")
	s.publish(pub, message("topic", "once"), message("topic", "then"))
	s.arrive(sub, message("topic", "once"), message("topic", "then"))
}

func reachesNobody(s *stage) {
	pub := s.open()
	s.publish(pub, message("t", "to nobody"))
	sub := s.open()
	s.publish(pub, message("t", "to a peer that has not subscribed"))
	s.subscribe(sub, 1, "t")
	s.publish(pub, message("t", "then"))
	s.arrive(sub, message("t", "then"))
	if stats := pub.Stats(); stats.Sent != 1 || stats.Dropped != 0 {
		s.failf("expected one message to be sent and none to be dropped, but Stats are %+v", stats)
	}
}

func refusesNoPayload(s *stage) { s.isRefused("no payload", message("t")) }

func refusedReachesNobody(s *stage) {
	s.isRefused("a topic of 256 bytes", message(strings.Repeat("t", 256), "x"))
}

// isRefused checks that Publish returns an error for a message, and that nobody receives it.
func (s *stage) isRefused(what string, m *transport.Message) {
	pub, sub := s.pair("")
	var err error
	s.call("Publish", func() { err = pub.Publish(m) })
	if err == nil {
		s.failf("expected Publish to return an error for a message with %s, but it returned none", what)
	}
	s.publish(pub, message("t", "then"))
	s.arrive(sub, message("t", "then"))
}

func neverWaits(s *stage) {
	pub, _ := s.pair("t")
	s.fillPeer(pub, "t", nil)
	s.publish(pub, message("t", "one more"))
}

func dropsAreCounted(s *stage) {
	pub, sub := s.pair("t")
	published := s.fillPeer(pub, "t", nil)
	stats := pub.Stats()
	if stats.Sent+stats.Dropped != uint64(published) {
		s.failf("expected each of %d messages to be sent or dropped, but Stats are %+v", published, stats)
	}
	s.receive(sub, int(stats.Sent))
	s.publish(pub, message("t", "then"))
	s.arrive(sub, message("t", "then"))
}

func slowPeerIsAlone(s *stage) {
	pub, slow, quick := s.open(), s.open(), s.open()
	s.subscribe(slow, 2, "t")
	s.subscribe(quick, 2, "t")
	s.fillPeer(pub, "t", func(m *transport.Message) {
		s.same("a message, at a peer that receives it at once,", &s.receive(quick, 1)[0], m)
	})
}

func countsMessages(s *stage) {
	pub, a, b := s.open(), s.open(), s.open()
	s.subscribe(a, 2, "")
	s.subscribe(b, 2, "t")
	const n = 10
	for range n {
		s.publish(pub, message("t", "x"))
	}
	s.publish(pub, message("other", "x"))
	s.receive(a, n+1)
	s.receive(b, n)
	if stats := pub.Stats(); stats.Sent != 2*n+1 || stats.Received != 0 || stats.Dropped != 0 {
		s.failf("expected %d messages to be sent, and none received or dropped, but the publisher's Stats are %+v", 2*n+1, stats)
	}
	if x, y := a.Stats(), b.Stats(); x.Received != n+1 || y.Received != n || x.Sent+y.Sent != 0 {
		s.failf("expected %d and %d messages to be received, and none sent, but the receivers' Stats are %+v and %+v", n+1, n, x, y)
	}
}
