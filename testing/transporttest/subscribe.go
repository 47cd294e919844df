package transporttest

import (
	"fmt"

	"github.com/fanfare-go/fanfare/transport"
)

func subscribeChecks() []check {
	return []check{
		{"a prefix is any bytes", "asks all peers, present and future, for the events whose topic begins with prefix", prefixIsBytes},
		{"the empty prefix is for all events", `"" asks for all.`, emptyPrefix},
		{"peers that come later are asked as well", "Subscribe asks all peers, present and future", asksFuturePeers},
		{"each Subscribe needs an Unsubscribe", "Each Subscribe needs an Unsubscribe of its own.", subscriptionsAreCounted},
		{"Unsubscribe ends one prefix and no other", "Unsubscribe takes one Subscribe of prefix back.", endsOnePrefix},
	}
}

func prefixIsBytes(s *stage) {
	pub, sub := s.pair("\xff\xfe", "a\x00", "café", "\x80")
	var wants []*transport.Message
	for _, topic := range []string{"\xff\xfe", "\xff\xfe\x00", "a\x00b", "café au lait", "\x80\x81"} {
		m := message(topic, "wanted")
		wants = append(wants, m)
		s.publish(pub, m)
	}
	for _, topic := range []string{"\xff", "\xff\xfd", "a", "ab", "cafe", "caf\xc3", "\x81", ""} {
		s.publish(pub, message(topic, "unwanted"))
	}
	end := message("\x80", "end")
	s.publish(pub, end)
	s.arrive(sub, append(wants, end)...)
}

func emptyPrefix(s *stage) {
	pub, sub := s.pair("")
	for _, topic := range []string{"", "a", "\x00", "\xff"} {
		s.publish(pub, message(topic, "x"))
		s.arrive(sub, message(topic, "x"))
	}
}

func asksFuturePeers(s *stage) {
	sub := s.open()
	s.subscribe(sub, 0, "t")
	for i := range 2 {
		pub := s.open()
		s.ready(sub, i+1)
		if n := pub.Subscribers("t"); n != 1 {
			s.failf("expected a peer that comes after Subscribe to have the subscription once nothing is pending, but its Subscribers tells %d", n)
		}
		s.publish(pub, message("t", fmt.Sprint(i)))
		s.arrive(sub, message("t", fmt.Sprint(i)))
	}
}

// subscribers waits until so many peers of tr are subscribed to topic.
func (s *stage) subscribers(tr transport.Transport, topic string, n int) {
	s.until(tr, fmt.Sprintf("that Subscribers(%q) is %d", topic, n), func() bool { return tr.Subscribers(topic) == n })
}

func (s *stage) unsubscribe(tr transport.Transport, prefix string) {
	s.must("Unsubscribe", func() error { return tr.Unsubscribe(prefix) })
}

func subscriptionsAreCounted(s *stage) {
	pub, sub := s.pair("t", "t", "end")
	s.unsubscribe(sub, "t")
	s.subscribe(sub, 1, "more") // which is in force after what was told before
	s.publish(pub, message("t", "still"), message("more", "x"))
	s.arrive(sub, message("t", "still"), message("more", "x"))
	s.unsubscribe(sub, "t")
	s.subscribers(pub, "t", 0)
	s.publish(pub, message("t", "unwanted"), message("end", "end"))
	s.arrive(sub, message("end", "end"))
}

func endsOnePrefix(s *stage) {
	pub, sub := s.pair("a", "ab", "b")
	s.unsubscribe(sub, "a")
	s.subscribers(pub, "a", 0)
	s.publish(pub, message("ax", "unwanted"), message("abc", "wanted"), message("b", "end"))
	s.arrive(sub, message("abc", "wanted"), message("b", "end"))
}
