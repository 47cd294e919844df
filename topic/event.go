package topic

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
)

// Event is a value as it was published, with what is known of its publication. It is a small struct, passed by value.
// What Value points to is shared with other handlers: treat it as read-only.
type Event[T any] struct {
	// Value is what was published.
	Value T

	meta envelope.Meta
}

// Metadata is everything about an event but its value, for [NewEvent].
type Metadata struct {
	Topic   string
	ID      string // empty: derived from Source, Topic and Seq
	Source  uuid.UUID
	Seq     uint64
	Time    time.Time
	Key     string
	Headers map[string]string
}

// NewEvent builds an event, for tests of handlers and for bridges from other systems. It panics when the name of a header is
// empty, longer than 255 bytes, or not in lower case, or when it is "id" or "key".
func NewEvent[T any](value T, m Metadata) Event[T] {
	var text []byte
	for _, p := range [...][2]string{{envelope.IDProperty, m.ID}, {envelope.KeyProperty, m.Key}} {
		if p[1] != "" {
			text = envelope.AppendProperty(text, p[0], p[1])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		err := envelope.CheckName(name)
		if name == envelope.IDProperty || name == envelope.KeyProperty {
			err = fmt.Errorf("header %q is a field of its own", name)
		}
		if err != nil {
			panic(fmt.Errorf("topic: %w", err))
		}
		text = envelope.AppendProperty(text, name, m.Headers[name])
	}
	meta := envelope.Meta{Origin: &envelope.Origin{Topic: m.Topic, Source: m.Source}, Seq: m.Seq, Text: string(text)}
	if !m.Time.IsZero() {
		meta.Time = m.Time.UnixNano()
	}
	return Event[T]{value, meta}
}

// FromMeta builds an event inside the module.
func FromMeta[T any](value T, m envelope.Meta) Event[T] { return Event[T]{value, m} }

// Meta gives the module's own packages access to what the accessors show.
func (e *Event[T]) Meta() *envelope.Meta { return &e.meta }

// Copy returns, inside the module, a copy of the event, with pointers to its value and its metadata.
func (e *Event[T]) Copy() (event, value any, meta *envelope.Meta) {
	c := *e
	return &c, &c.Value, &c.meta
}

// Topic returns the name of the topic it was published to. For a single-frame message of a plain peer it is the prefix that
// matched.
func (e Event[T]) Topic() string {
	if e.meta.Origin == nil {
		return ""
	}
	return e.meta.Origin.Topic
}

// ID returns what identifies the event: the ID its publisher gave it, else one made of source, topic and sequence. It is ""
// for events of plain peers.
func (e Event[T]) ID() string { return e.meta.ID() }

// Source returns the bus that published it; it is new each time a bus is made. It is the zero UUID for events of plain peers.
func (e Event[T]) Source() uuid.UUID {
	if e.meta.Origin == nil {
		return uuid.Nil
	}
	return e.meta.Origin.Source
}

// Seq returns its number among the events of its source and topic, from 1. It is 0 for events of plain peers.
func (e Event[T]) Seq() uint64 { return e.meta.Seq }

// Time returns when it was published, by the publisher's clock, exact to a millisecond. It is zero for events of plain peers.
func (e Event[T]) Time() time.Time {
	if e.meta.Time == 0 {
		return time.Time{}
	}
	return time.Unix(0, e.meta.Time)
}

// Key returns its key, "" when it has none.
func (e Event[T]) Key() string { return e.meta.Key() }

// Header returns the value of the named header, "" when there is none. Names are in lower case.
func (e Event[T]) Header(name string) string {
	v, _ := e.meta.Property(name)
	return v
}

// Headers yields the names and values of all headers. The key and the ID are not among them.
func (e Event[T]) Headers() iter.Seq2[string, string] { return e.meta.Headers() }

// String returns a short text for logs: the topic, the sequence and the value.
func (e Event[T]) String() string {
	return fmt.Sprintf("%s#%d %v", cmp.Or(e.Topic(), "(no topic)"), e.Seq(), e.Value)
}
