package transporttest

import (
	"context"
	"fmt"
	"strings"

	"github.com/fanfare-go/fanfare/transport"
)

func retainedChecks() []check {
	return []check{
		{"PublishRetained publishes", "PublishRetained is Publish, and keeps a copy of m in memory of its own", retainedIsPublished},
		{"who subscribes later gets the last of each key, in order", "in the order in which it was published, and before the peer counts as ready (Pending, Publishers).", latecomer},
		{"a copy is marked, and the message is not", "The copy is m but for the flag of retained events in the envelope", copyIsMarked},
		{"a copy is the transport's own", "keeps a copy of m in memory of its own", copyIsOwn},
		{"each Subscribe gets what is kept", "whether it has subscribed to that prefix before or not", resubscription},
		{"each prefix gets what begins with it", "A peer of ours that subscribes to a prefix of the topic gets what is kept", retainedPrefixes},
		{"more keys than the limit let the oldest go", "the one published least recently goes; it is counted in Stats.", evicts},
		{"Publish leaves what is kept", "What is kept stays until it is replaced, or has to go, or the transport ends; Publish leaves it as it is.", publishKeeps},
		{"what is kept is not dropped for a full queue", "It is not dropped because the peer's queue is full.", retainedIsNotDropped},
		{"who is ready has what is kept", "before the peer counts as ready (Pending, Publishers).", readyHasRetained},
		{"without an envelope nothing is kept", "A message that goes out without an envelope is published only", plainIsNotKept},
		{"what is refused is not kept", "An error means that m was handed to nobody, and that what was kept before still is.", refusedIsNotKept},
		{"there is no hole after the first", "So the events of a topic that all went through PublishRetained reach a peer without a hole after the first.", noHole},
		{"after the end PublishRetained returns net.ErrClosed", "After Close or Shutdown every method returns an error that matches net.ErrClosed", retainAfterEnd},
	}
}

// retain publishes with PublishRetained, which must succeed.
func (s *stage) retain(tr transport.Transport, m *transport.Message, key string, limit int) {
	s.must("PublishRetained", func() error { return s.retainer(tr).PublishRetained(m, key, limit) })
}

func (s *stage) retainer(tr transport.Transport) transport.Retainer {
	r, ok := tr.(transport.Retainer)
	if !ok {
		s.failf("expected a transport.Retainer, but a %T is none", tr)
	}
	return r
}

// kept is a message as one who subscribes later gets it.
func kept(topic string, seq uint64, parts ...string) *transport.Message {
	m := numbered(topic, seq, parts...)
	m.Envelope[5] |= 1
	return m
}

func retainedIsPublished(s *stage) {
	pub, sub := s.pair("t")
	m := numbered("t", 1, "a", "", "b")
	s.retain(pub, m, "key", 1)
	s.same("a message of PublishRetained", &s.receive(sub, 1)[0], m)
	plain, owned := numbered("t", 2, "plain"), numbered("t", 3, string(mebibyte()))
	want := numbered("t", 2, "plain")
	want.Envelope, plain.Plain, owned.Owned = nil, true, true
	s.retain(pub, plain, "key", 1)
	s.retain(pub, owned, "key", 1)
	s.arrive(sub, want, numbered("t", 3, string(mebibyte())))
}

// latecomer is one that comes later, and one that subscribes later.
func latecomer(s *stage) {
	pub, there := s.open(), s.open()
	for i, key := range strings.Split("x y x z y", " ") {
		s.retain(pub, numbered("t", uint64(i+1), key), key, 3)
	}
	s.retain(pub, numbered("t.other", 1, "alone"), "", 1)
	late := s.open()
	s.subscribe(there, 2, "t")
	s.subscribe(late, 2, "t")
	s.retain(pub, numbered("t", 6, "live"), "x", 3)
	for _, sub := range []transport.Transport{there, late} {
		s.inTurn(sub, kept("t", 3, "x"), kept("t", 4, "z"), kept("t", 5, "y"), kept("t.other", 1, "alone"), numbered("t", 6, "live"))
	}
}

func copyIsMarked(s *stage) {
	pub, early := s.pair("t")
	m := numbered("t", 1, "x")
	s.retain(pub, m, "", 1)
	if how := differs(m, numbered("t", 1, "x")); how != "" {
		s.failf("expected PublishRetained to leave the message as it is, but now %s", how)
	}
	s.inTurn(early, numbered("t", 1, "x"))
	late := s.open()
	s.subscribe(late, 2, "t")
	s.inTurn(late, kept("t", 1, "x"))
	if how := differs(m, numbered("t", 1, "x")); how != "" {
		s.failf("expected PublishRetained to leave the message as it is, but once the copy was sent %s", how)
	}
}

func copyIsOwn(s *stage) {
	pub, sub := s.open(), s.open()
	for i, size := range []int{10, 20_000, 200_000} {
		for _, owned := range []bool{false, true} {
			m := numbered("t", uint64(i), strings.Repeat("x", size))
			m.Owned = owned
			s.retain(pub, m, "", 1)
			scribble(m)
			s.subscribe(sub, 1, "t")
			s.same(fmt.Sprintf("the copy of a message of %d bytes (Owned: %t), however the caller changes it afterwards,", size, owned),
				&s.receive(sub, 1)[0], kept("t", uint64(i), strings.Repeat("x", size)))
			s.unsubscribe(sub, "t")
			s.subscribers(pub, "t", 0)
		}
	}
}

func resubscription(s *stage) {
	pub, sub := s.pair("t")
	s.retain(pub, numbered("t", 1, "x"), "", 1)
	s.inTurn(sub, numbered("t", 1, "x"))
	for range 2 {
		s.subscribe(sub, 1, "t")
		s.inTurn(sub, kept("t", 1, "x"))
	}
	s.publish(pub, numbered("t", 2, "once"), numbered("t", 3, "end"))
	s.inTurn(sub, numbered("t", 2, "once"), numbered("t", 3, "end"))
}

func retainedPrefixes(s *stage) {
	pub, sub := s.open(), s.open()
	s.retain(pub, numbered("a.x", 1, "x"), "", 1)
	s.retain(pub, numbered("a.y", 1, "y"), "", 1)
	s.retain(pub, numbered("b", 1, "z"), "", 1)
	s.subscribe(sub, 1, "a.y")
	s.inTurn(sub, kept("a.y", 1, "y"))
	s.subscribe(sub, 1, "b")
	s.inTurn(sub, kept("b", 1, "z"))
	s.subscribe(sub, 1, "a.")
	s.inTurn(sub, kept("a.x", 1, "x"), kept("a.y", 1, "y"))
	s.subscribe(sub, 1, "")
	s.inTurn(sub, kept("a.x", 1, "x"), kept("a.y", 1, "y"), kept("b", 1, "z"))
}

func evicts(s *stage) {
	pub, sub := s.open(), s.open()
	for i, key := range strings.Split("a b c a d", " ") { // b goes
		s.retain(pub, numbered("t", uint64(i+1), key), key, 3)
	}
	s.retain(pub, numbered("other", 1, "x"), "b", 1) // another topic has keys of its own
	s.subscribe(sub, 1, "t")
	s.inTurn(sub, kept("t", 3, "c"), kept("t", 4, "a"), kept("t", 5, "d"))
	s.evicted(pub, 1)
	s.retain(pub, numbered("t", 6, "c"), "c", 2) // a goes: it was the oldest
	s.inTurn(sub, numbered("t", 6, "c"))
	s.subscribe(sub, 1, "t")
	s.inTurn(sub, kept("t", 5, "d"), kept("t", 6, "c"))
	s.evicted(pub, 2)
	s.retain(pub, numbered("t", 7, "e"), "e", 4)
	s.inTurn(sub, numbered("t", 7, "e"))
	s.subscribe(sub, 1, "t")
	s.inTurn(sub, kept("t", 5, "d"), kept("t", 6, "c"), kept("t", 7, "e"))
	s.evicted(pub, 2)
}

func (s *stage) evicted(tr transport.Transport, want uint64) {
	if got := tr.Stats().RetainedEvicted; got != want {
		s.failf("expected Stats to count %d copies that had to go, but RetainedEvicted is %d", want, got)
	}
}

func publishKeeps(s *stage) {
	pub, sub := s.open(), s.open()
	s.retain(pub, numbered("t", 1, "kept"), "", 1)
	s.publish(pub, numbered("t", 2, "not kept"))
	s.subscribe(sub, 1, "t")
	s.publish(pub, numbered("t", 3, "live"))
	s.inTurn(sub, kept("t", 1, "kept"), numbered("t", 3, "live"))
}

func retainedIsNotDropped(s *stage) {
	const keys = 3000 // more than a queue has room for
	pub, sub := s.open(), s.open()
	s.must("PublishRetained", func() error {
		for i := range keys {
			if err := s.retainer(pub).PublishRetained(numbered("t", uint64(i), fmt.Sprint(i)), fmt.Sprint(i), keys); err != nil {
				return err
			}
		}
		return nil
	})
	s.must("Subscribe", func() error { return sub.Subscribe("t") })
	for i, m := range s.receive(sub, keys) {
		if how := differs(&m, kept("t", uint64(i), fmt.Sprint(i))); how != "" {
			s.failf("expected copy %d of %d in its place: %s", i, keys, how)
		}
	}
}

func readyHasRetained(s *stage) {
	pub, sub := s.open(), s.open()
	s.retain(pub, numbered("t", 1, "x"), "x", 2)
	s.retain(pub, numbered("t", 2, "y"), "y", 2)
	s.subscribe(sub, 1, "t")
	s.must("Close", pub.Close) // which takes away what has not reached the peer
	s.inTurn(sub, kept("t", 1, "x"), kept("t", 2, "y"))
}

func plainIsNotKept(s *stage) {
	pub, sub := s.open(), s.open()
	plain := numbered("t", 2, "plain")
	plain.Plain = true
	s.retain(pub, numbered("t", 1, "kept"), "", 1)
	s.retain(pub, plain, "", 1)
	s.retain(pub, &transport.Message{Topic: "t", Payload: [][]byte{[]byte("no envelope")}}, "", 1)
	s.subscribe(sub, 1, "t")
	s.publish(pub, numbered("t", 3, "end"))
	s.inTurn(sub, kept("t", 1, "kept"), numbered("t", 3, "end"))
}

func refusedIsNotKept(s *stage) {
	pub, sub := s.pair("t")
	s.retain(pub, numbered("t", 1, "kept"), "", 1)
	for _, refused := range []struct {
		what  string
		m     *transport.Message
		limit int
	}{
		{"a limit of 0 keys", numbered("t", 2, "x"), 0},
		{"a limit of -1 keys", numbered("t", 2, "x"), -1},
		{"no payload", numbered("t", 2), 1},
		{"a topic of 256 bytes", numbered(strings.Repeat("t", 256), 2, "x"), 1},
	} {
		var err error
		s.call("PublishRetained", func() { err = s.retainer(pub).PublishRetained(refused.m, "", refused.limit) })
		if err == nil {
			s.failf("expected PublishRetained to return an error for %s, but it returned none", refused.what)
		}
	}
	s.publish(pub, numbered("t", 3, "end"))
	s.inTurn(sub, numbered("t", 1, "kept"), numbered("t", 3, "end"))
	s.subscribe(sub, 1, "t")
	s.inTurn(sub, kept("t", 1, "kept"))
}

// One publishes while another subscribes: wherever that falls, nothing is missing after the first event. The last events are published when
// the subscription is in force.
func noHole(s *stage) {
	pub, sub := s.open(), s.open()
	for round := range 20 {
		noHoleIn(s, pub, sub, fmt.Sprintf("t%02d", round))
	}
}

func noHoleIn(s *stage, pub, sub transport.Transport, topic string) {
	const before, last = window - 8, window
	published := newMailbox[error]()
	retainer, subscribed := s.retainer(pub), make(chan struct{})
	go func() {
		var err error
		for i := uint64(1); i <= last && err == nil; i++ {
			if i == before {
				<-subscribed
			}
			err = retainer.PublishRetained(numbered(topic, i, fmt.Sprint(i)), "", 1)
		}
		published.put(err)
	}()
	func() {
		defer close(subscribed)
		s.subscribe(sub, 1, topic)
	}()
	if err := next(s, published, "PublishRetained to return"); err != nil {
		s.failf("expected PublishRetained to succeed, but it returned: %v", err)
	}
	for previous := uint64(0); previous != last; {
		seq := number(s.receive(sub, 1)[0].Envelope)
		if previous != 0 && seq != previous+1 {
			s.failf("expected event %d after event %d, but event %d came", previous+1, previous, seq)
		}
		previous = seq
	}
}

func retainAfterEnd(s *stage) {
	for _, end := range s.ends() {
		tr := s.open()
		end(tr)
		s.refuses("PublishRetained", func(context.Context) error {
			return s.retainer(tr).PublishRetained(message("t", "x"), "", 1)
		})
	}
}
