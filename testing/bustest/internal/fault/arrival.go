package fault

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// The kinds of what arrives.
const (
	anEvent        = ""
	aRetainedEvent = "retained"
	aRequest       = "request"
	aCancel        = "cancel"
	aReply         = "reply"
	aTask          = "task"
	anAck          = "ack of"
	aNack          = "nack of"
)

// arrival is a message that arrives, as far as its fate depends on it.
type arrival struct {
	kind, topic string
	from, to    string // from: "" for transports that are not wrapped
	seq         uint64 // of plain messages how many there were with that topic, this one included
	attempt     uint64 // 0 and 1: the first time
	again       uint64 // how often the same was told of that attempt before
}

// String describes it, such as "orders.created #3 from shop".
func (a arrival) String() string {
	var b strings.Builder
	for _, word := range []string{a.kind, a.topic} {
		if word != "" {
			b.WriteString(word + " ")
		}
	}
	fmt.Fprintf(&b, "#%d", a.seq)
	if a.attempt > 1 {
		fmt.Fprintf(&b, " attempt %d", a.attempt)
	}
	if a.again > 0 {
		fmt.Fprintf(&b, " told %d times before", a.again)
	}
	if a.from != "" {
		b.WriteString(" from " + a.from)
	}
	return b.String()
}

// describe returns what arrives with m, what its envelope says, and who sent it; nil for senders that are not wrapped.
func (t *wrapped) describe(kind string, m *transport.Message) (a arrival, h envelope.Header, from *wrapped) {
	a = arrival{kind: kind, topic: m.Topic, to: t.name}
	h, err := envelope.Parse(m.Envelope)
	if err != nil { // plain, or nothing that a bus could read
		a.seq = t.arrived.count(kind, m.Topic)
		return a, h, nil
	}
	a.seq = h.Seq
	a.attempt = attemptOf(h)
	switch what, _ := envelope.Lookup(h.Properties, "kind"); {
	case kind == anEvent && h.Retained:
		a.kind = aRetainedEvent
	case kind == aRequest && what == "cancel":
		a.kind = aCancel
	}
	if from = t.faults.sender(h.Source); from != nil {
		a.from = from.name
	}
	return a, h, from
}

// attemptOf returns which attempt an envelope is of, 0 if it does not say.
func attemptOf(h envelope.Header) uint64 {
	text, _ := envelope.Lookup(h.Properties, "attempt")
	attempt, _ := strconv.ParseUint(text, 10, 64) // what is no number is the first attempt
	return attempt
}

// counter counts plain messages by kind and topic.
type counter struct {
	mu     sync.Mutex
	counts map[[2]string]uint64
}

// count returns how many there were, with this one.
func (c *counter) count(kind, topic string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[[2]string]uint64{}
	}
	c.counts[[2]string{kind, topic}]++
	return c.counts[[2]string{kind, topic}]
}

// copied returns a copy of m that shares nothing with it.
func copied(m *transport.Message) transport.Message {
	c := *m
	c.Topic, c.Envelope = strings.Clone(m.Topic), append([]byte(nil), m.Envelope...)
	c.Payload = make([][]byte, len(m.Payload))
	for i, part := range m.Payload {
		c.Payload[i] = append([]byte{}, part...)
	}
	return c
}
