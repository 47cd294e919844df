package memory

import (
	"github.com/fanfare-go/fanfare/transport"
)

// The limits are those of the driver over ZeroMQ: what goes through here goes through there.
const (
	maxTopic = 255
	maxSize  = 64 << 20 // of topic, envelope and payload
	maxParts = 1022     // of the payload
)

// check says whether m may be sent.
func (t *Transport) check(m *transport.Message) error {
	if t.refusing.Load() {
		return ErrClosed
	}
	switch {
	case len(m.Topic) > maxTopic:
		return &LimitError{Field: "length of topic", Value: len(m.Topic), Limit: "255 bytes or less"}
	case len(m.Payload) == 0:
		return &LimitError{Field: "number of payload parts", Value: 0, Limit: "1 or more"}
	case len(m.Payload) > maxParts:
		return &LimitError{Field: "number of payload parts", Value: len(m.Payload), Limit: "1022 or less"}
	}
	if size := len(m.Topic) + size(m); size > maxSize {
		return &LimitError{Field: "size of message", Value: size, Limit: "67108864 bytes or less"}
	}
	return nil
}

// size is how many bytes envelope and payload have.
func size(m *transport.Message) int {
	n := len(m.Envelope)
	for _, part := range m.Payload {
		n += len(part)
	}
	return n
}

// enveloped says whether m goes out with its envelope.
func enveloped(m *transport.Message) bool { return !m.Plain && m.Envelope != nil }

// event returns a copy of m as a subscriber gets it.
func event(m *transport.Message) transport.Message {
	c := body(m)
	c.Topic = m.Topic
	return c
}

// body returns a copy of m as who is asked gets it, or has a task: a plain one has no topic either.
func body(m *transport.Message) (c transport.Message) {
	block := make([]byte, 0, size(m)) // one for all of it: most messages have little
	if enveloped(m) {
		c.Topic = m.Topic
		c.Envelope, block = carve(block, m.Envelope)
	}
	c.Payload = make([][]byte, len(m.Payload))
	for i, part := range m.Payload {
		c.Payload[i], block = carve(block, part)
	}
	return c
}

// carve appends a copy of b to block, and returns it with the rest of the block.
func carve(block, b []byte) (c, rest []byte) {
	n := len(block)
	block = append(block, b...)
	return block[n:len(block):len(block)], block
}
