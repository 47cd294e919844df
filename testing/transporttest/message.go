package transporttest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/fanfare-go/fanfare/transport"
)

// message returns a message with an envelope.
func message(topic string, parts ...string) *transport.Message { return numbered(topic, 1, parts...) }

// numbered returns a message whose envelope has that number.
func numbered(topic string, seq uint64, parts ...string) *transport.Message {
	m := &transport.Message{Topic: topic, Envelope: envelope(seq)}
	for _, part := range parts {
		m.Payload = append(m.Payload, []byte(part))
	}
	return m
}

// envelope returns one of the form of docs/wire.md, with a property: a driver may look at how it begins.
func envelope(seq uint64) []byte {
	e := append([]byte("\xC1FFR\x01\x00"), make([]byte, 32)...)
	binary.BigEndian.PutUint64(e[22:], seq)
	return append(e, "\x04note\x00\x00\x00\x03any"...)
}

// padded returns an envelope with a property of so many bytes more, of 30,000 at most.
func padded(envelope []byte, size int) []byte {
	value := make([]byte, min(size, 30_000))
	envelope = append(envelope, "\x03pad"...)
	return append(binary.BigEndian.AppendUint32(envelope, uint32(len(value))), value...)
}

// retained reports whether the envelope has the flag of retained events.
func retained(envelope []byte) bool { return len(envelope) > 5 && envelope[5]&1 != 0 }

// clone returns a copy that shares nothing with m.
func clone(m *transport.Message) *transport.Message {
	c := *m
	c.Envelope = bytes.Clone(m.Envelope)
	c.Payload = make([][]byte, len(m.Payload))
	for i, part := range m.Payload {
		c.Payload[i] = append([]byte{}, part...)
	}
	return &c
}

// scribble overwrites what m points to: the envelope, the slice of parts, and the bytes of the payload where they are the caller's again.
func scribble(m *transport.Message) {
	overwrite(m.Envelope)
	if !m.Owned {
		for _, part := range m.Payload {
			overwrite(part)
		}
	}
	clear(m.Payload)
}

func overwrite(b []byte) {
	for i := range b {
		b[i] ^= 0xff
	}
}

// differs says how what arrived differs from what was sent; "" if it does not.
func differs(got, want *transport.Message) string {
	switch {
	case got.Bare:
		return "it is marked as one without a topic"
	case got.Topic != want.Topic:
		return fmt.Sprintf("its topic is %s", short([]byte(got.Topic)))
	case want.Envelope == nil && got.Envelope != nil:
		return fmt.Sprintf("it has the envelope %s", short(got.Envelope))
	case !bytes.Equal(got.Envelope, want.Envelope):
		return fmt.Sprintf("its envelope is %s, not %s", short(got.Envelope), short(want.Envelope))
	case len(got.Payload) != len(want.Payload):
		return fmt.Sprintf("its payload has %d parts, not %d", len(got.Payload), len(want.Payload))
	}
	for i := range want.Payload {
		if !bytes.Equal(got.Payload[i], want.Payload[i]) {
			return fmt.Sprintf("part %d of its payload is %s, not %s", i, short(got.Payload[i]), short(want.Payload[i]))
		}
	}
	return ""
}

// same checks that a message arrived as it was sent.
func (s *stage) same(what string, got, want *transport.Message) {
	if how := differs(got, want); how != "" {
		s.failf("expected %s to arrive as it was sent, on topic %s: %s", what, short([]byte(want.Topic)), how)
	}
}

// arrive checks that these messages are the next ones, in any order.
func (s *stage) arrive(tr transport.Transport, wants ...*transport.Message) {
	got := s.receiveWanted(tr, len(wants), "the messages "+pointers(wants))
	left := slices.Clone(got)
	for _, want := range wants {
		at := slices.IndexFunc(left, func(m transport.Message) bool { return differs(&m, want) == "" })
		if at < 0 {
			s.failf("expected the messages %s, but received %s", pointers(wants), list(got))
		}
		left = slices.Delete(left, at, at+1)
	}
}

// inTurn checks that these messages are the next ones, in this order.
func (s *stage) inTurn(tr transport.Transport, wants ...*transport.Message) {
	got := s.receiveWanted(tr, len(wants), "the messages "+pointers(wants))
	for i, want := range wants {
		if differs(&got[i], want) != "" {
			s.failf("expected the messages %s, but received %s", pointers(wants), list(got))
		}
	}
}

// list describes messages: each with topic, the flag of retained events as a star, and payload.
func list(messages []transport.Message) string {
	if len(messages) == 0 {
		return "none"
	}
	var all []string
	for _, m := range messages[:min(len(messages), 8)] {
		mark := ""
		if retained(m.Envelope) {
			mark = "*"
		}
		all = append(all, short([]byte(m.Topic))+mark+" "+short(bytes.Join(m.Payload, []byte("|"))))
	}
	if more := len(messages) - len(all); more > 0 {
		all = append(all, fmt.Sprintf("%d more", more))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func pointers(messages []*transport.Message) string {
	all := make([]transport.Message, len(messages))
	for i, m := range messages {
		all[i] = *m
	}
	return list(all)
}

// short is some bytes as text.
func short(b []byte) string {
	if len(b) > 60 {
		return fmt.Sprintf("%q and %d bytes more", b[:60], len(b)-60)
	}
	return fmt.Sprintf("%q", b)
}

// number returns the number that an envelope of ours has.
func number(envelope []byte) uint64 {
	if len(envelope) < 30 {
		return 0
	}
	return binary.BigEndian.Uint64(envelope[22:])
}
