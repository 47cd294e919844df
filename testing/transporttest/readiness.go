package transporttest

import (
	"fmt"

	"github.com/fanfare-go/fanfare/transport"
)

func readinessChecks() []check {
	return []check{
		{"what is published when nothing is pending arrives", "Pending tells what keeps the subscriptions made so far from being in force", readyMeansReady},
		{"Publishers counts the connected peers", "Publishers counts the connected peers that can publish and have confirmed every subscription made so far.", countsPublishers},
		{"Subscribers counts each peer once", "Subscribers counts the connected peers that are subscribed to a prefix of topic.", countsSubscribers},
		{"Changed tells of subscribers that come and go", "Changed returns a channel that is closed at the next change of what Pending, Publishers or Subscribers tell.", changedSubscribers},
		{"Changed tells of publishers that go", "Changed returns a channel that is closed at the next change of what Pending, Publishers or Subscribers tell.", changedPublishers},
		{"Changed wakes everybody who waits", "Changed returns a channel that is closed at the next change", changedWakesAll},
	}
}

func readyMeansReady(s *stage) {
	a, b, sub := s.open(), s.open(), s.open()
	for i := range 30 {
		topic := fmt.Sprintf("t%02d", i)
		s.subscribe(sub, 2, topic)
		for _, pub := range []transport.Transport{a, b} {
			if n := pub.Subscribers(topic); n != 1 {
				s.failf("expected a subscription to be known to each peer once nothing is pending, but Subscribers of one tells %d", n)
			}
			s.publish(pub, message(topic, "x"))
		}
		s.arrive(sub, message(topic, "x"), message(topic, "x"))
	}
}

func countsPublishers(s *stage) {
	all := []transport.Transport{s.open(), s.open(), s.open()}
	for _, tr := range all {
		s.ready(tr, 2)
	}
	s.must("Close", all[2].Close)
	for _, tr := range all[:2] {
		s.ready(tr, 1)
	}
	all[2] = s.open()
	for _, tr := range all {
		s.ready(tr, 2)
	}
}

func countsSubscribers(s *stage) {
	pub, a, b := s.open(), s.open(), s.open()
	s.subscribe(a, 2, "t", "t.", "t.x", "t")
	s.subscribe(b, 2, "t.y")
	for topic, want := range map[string]int{"t": 1, "t.x": 1, "t.y": 2, "t.yz": 2, "s": 0, "": 0} {
		if got := pub.Subscribers(topic); got != want {
			s.failf("expected Subscribers(%q) to be %d, but it is %d", topic, want, got)
		}
	}
	if got := a.Subscribers("t.y"); got != 1 {
		s.failf("expected Subscribers of a peer to count the others, which is 1, but it is %d", got)
	}
}

// tellsOf checks that Changed of tr tells of what do brings about.
func (s *stage) tellsOf(tr transport.Transport, what string, do func() error, holds func() bool) {
	changed := tr.Changed()
	s.must(what, do)
	s.until(tr, "the change that "+what+" makes", holds)
	s.closes(changed, "Changed to tell of "+what)
}

func changedSubscribers(s *stage) {
	pub, sub := s.open(), s.open()
	s.ready(sub, 1)
	for range 3 {
		s.tellsOf(pub, "Subscribe of a peer", func() error { return sub.Subscribe("t") }, func() bool { return pub.Subscribers("t") == 1 })
		s.tellsOf(pub, "Unsubscribe of a peer", func() error { return sub.Unsubscribe("t") }, func() bool { return pub.Subscribers("t") == 0 })
	}
	s.subscribe(sub, 1, "t")
	s.subscribers(pub, "t", 1)
	s.tellsOf(pub, "the end of a peer", sub.Close, func() bool { return pub.Subscribers("t") == 0 })
}

func changedPublishers(s *stage) {
	sub := s.open()
	for range 3 {
		pub := s.open()
		s.ready(sub, 1)
		s.tellsOf(sub, "the end of a peer", pub.Close, func() bool { return sub.Publishers() == 0 })
	}
}

func changedWakesAll(s *stage) {
	pub, sub := s.open(), s.open()
	s.ready(pub, 1)
	s.ready(sub, 1)
	waiting := []<-chan struct{}{pub.Changed(), pub.Changed(), pub.Changed()}
	s.must("Subscribe", func() error { return sub.Subscribe("t") })
	s.subscribers(pub, "t", 1)
	for _, changed := range waiting {
		s.closes(changed, "each channel of Changed to be closed by a change")
	}
}
