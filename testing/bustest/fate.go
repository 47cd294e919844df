package bustest

import (
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"strings"
	"time"

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
	if a.from != "" {
		b.WriteString(" from " + a.from)
	}
	return b.String()
}

// fate is what becomes of a message.
type fate struct {
	drop, duplicate bool
	delay           time.Duration
}

// fate decides what becomes of a message.
func (f *Faults) fate(a arrival) fate {
	draw := func(what string) float64 { // 0 to 1, without 1
		h := fnv.New64a()
		for _, part := range []string{what, a.kind, a.topic, a.from, a.to} {
			_, _ = h.Write(append([]byte(part), 0)) // never fails
		}
		x := mix(mix(mix(h.Sum64()^f.seed)^a.seq) ^ max(a.attempt, 1))
		return float64(x>>11) / (1 << 53)
	}
	if f.plan.Drop > 0 && draw("drop") < f.plan.Drop {
		return fate{drop: true}
	}
	return fate{
		duplicate: f.plan.Duplicate > 0 && draw("duplicate") < f.plan.Duplicate,
		delay:     time.Duration(math.Round(float64(f.plan.Delay) * draw("delay"))),
	}
}

// mix spreads each bit over all others: FNV leaves the upper ones of similar texts alike. It is the finalizer of SplitMix64 (Steele, Lea and
// Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// describe returns what arrives with m, what its envelope says, and who sent it; nil for senders that are not wrapped.
func (t *faulty) describe(kind string, m *transport.Message) (a arrival, h envelope.Header, from *faulty) {
	a = arrival{kind: kind, topic: m.Topic, to: t.name}
	h, err := envelope.Parse(m.Envelope)
	if err != nil { // plain, or nothing that a bus could read
		a.seq = t.count(kind, m.Topic)
		return a, h, nil
	}
	a.seq = h.Seq
	if text, found := envelope.Lookup(h.Properties, "attempt"); found {
		a.attempt, _ = strconv.ParseUint(text, 10, 64) // what is no number is the first attempt
	}
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
