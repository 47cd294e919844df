package transporttest

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/fanfare-go/fanfare/transport"
)

func messageChecks() []check {
	return []check{
		{"a message arrives byte for byte", "Drivers carry it as it is.", arrivesWhole},
		{"a topic is any bytes", "any bytes, at most 255 of them.", topicIsBytes},
		{"a large message arrives", "Payload is the encoded event, in one part or several.", arrivesLarge},
		{"Publish copies what it needs", "the transport has copied what it needs when Publish returns", publishCopies},
		{"of an owned message the payload alone is kept", "Owned lets Publish keep the bytes of the payload instead of copying them; not the slice of parts.", ownedKeepsPayload},
		{"Publish does not change the message", "A message given to Publish belongs to the bus", publishOnlyReads},
		{"what was received does not change", "A message from Receive belongs to the bus from then on, and nothing it points to changes any more.", receivedStays},
		{"a plain message goes out without envelope", "Plain asks Publish to leave the envelope out, for peers that are not ours.", plainLosesEnvelope},
	}
}

func arrivesWhole(s *stage) {
	pub, sub := s.pair("")
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for what, m := range map[string]*transport.Message{
		"a message of one part":            message("t", "payload"),
		"a message with an empty part":     message("t", ""),
		"a message of empty parts":         message("t", "", "", ""),
		"a message that begins with none":  message("t", "", "a", "", "b"),
		"a message of 300 parts":           message("t", strings.Split(strings.Repeat("x", 299), "x")...),
		"a message of all bytes":           message("t", string(every)),
		"a message with a longer envelope": {Topic: "t", Envelope: append(envelope(1<<63), bytes.Repeat([]byte("\x01k\x00\x00\x00\x01v"), 500)...), Payload: [][]byte{every}},
		"a message without envelope":       {Topic: "t", Payload: [][]byte{every, {}, every}},
	} {
		s.publish(pub, m)
		s.same(what, &s.receive(sub, 1)[0], m)
	}
}

func topicIsBytes(s *stage) {
	pub, sub := s.pair("")
	for _, topic := range []string{"", "a", "a.b\x00c", "\x00", "\xff\xfe", strings.Repeat("\xff", 255)} {
		m := message(topic, "payload")
		s.publish(pub, m)
		s.same("a message", &s.receive(sub, 1)[0], m)
	}
}

// mebibyte returns 1 MiB that is not the same everywhere.
func mebibyte() []byte {
	b := make([]byte, 1<<20)
	for i := range b {
		b[i] = byte(i * 31 >> 3)
	}
	return b
}

func arrivesLarge(s *stage) {
	pub, sub := s.pair("")
	for _, owned := range []bool{false, true} {
		m := message("t", "small", string(mebibyte()), "small")
		want := clone(m)
		m.Owned = owned
		s.publish(pub, m)
		s.same(fmt.Sprintf("a message of 1 MiB (Owned: %t)", owned), &s.receive(sub, 1)[0], want)
	}
}

func publishCopies(s *stage) { s.copies(false) }

func ownedKeepsPayload(s *stage) { s.copies(true) }

// copies checks that what the caller does with a message after Publish does not matter.
func (s *stage) copies(owned bool) {
	pub, sub := s.pair("")
	var wants []*transport.Message
	for _, size := range []int{10, 1000, 20_000, 200_000} { // drivers may treat them differently
		for i := range 5 {
			m := message("t", fmt.Sprint(size, i), strings.Repeat("x", size))
			m.Envelope = padded(m.Envelope, size)
			wants = append(wants, clone(m))
			m.Owned = owned
			s.publish(pub, m)
			scribble(m)
		}
	}
	got := s.receive(sub, len(wants))
	for _, want := range wants {
		found := "it has not"
		for i := range got {
			if len(got[i].Payload) == 2 && string(got[i].Payload[0]) == string(want.Payload[0]) {
				found = differs(&got[i], want)
			}
		}
		if found != "" {
			s.failf("expected a message to arrive as it was when Publish was called (Owned: %t), however the caller changes it afterwards, but %s; received %s", owned, found, list(got))
		}
	}
}

func publishOnlyReads(s *stage) {
	pub, sub := s.pair("")
	for _, plain := range []bool{false, true} {
		for _, owned := range []bool{false, true} {
			m := message("t", "a", "", string(mebibyte()))
			m.Plain, m.Owned = plain, owned
			before := clone(m)
			s.publish(pub, m)
			s.receive(sub, 1)
			how := differs(m, before)
			if m.Plain != plain || m.Owned != owned {
				how = "its flags were changed"
			}
			if how != "" {
				s.failf("expected Publish to leave the message as it is, but now %s", how)
			}
		}
	}
}

func receivedStays(s *stage) {
	pub, sub := s.pair("")
	const rounds = 200
	var kept []transport.Message
	var wants []*transport.Message
	into := make([]transport.Message, 1)
	for i := range rounds {
		m := numbered(fmt.Sprintf("t%03d", i), uint64(i), fmt.Sprintf("%03d", i), strings.Repeat("x", i))
		wants = append(wants, clone(m))
		s.publish(pub, m)
		s.take(sub, into)
		kept = append(kept, into[0])
	}
	for i, want := range wants {
		if how := differs(&kept[i], want); how != "" {
			s.failf("expected message %d to stay as it was received, but once %d more were, %s", i, rounds-1-i, how)
		}
	}
}

func plainLosesEnvelope(s *stage) {
	pub, sub := s.pair("")
	m := message("t", "a", "b")
	want := clone(m)
	want.Envelope = nil
	m.Plain = true
	s.publish(pub, m)
	s.same("a plain message", &s.receive(sub, 1)[0], want)
}
