package bus

import (
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
)

// Message is an event as middleware sees it: everything but its Go type.
//
// It belongs to the call it was passed to and is used again afterwards. Clone keeps it. It is not safe for concurrent use.
type Message struct {
	party   *Party
	meta    *envelope.Meta
	event   any // *topic.Event[T], whose Meta is meta
	body    any // *T, the event's value
	codec   codec.Codec
	decoder Decoder // of codec
	encoded []byte  // of the value, when it was asked for
	stale   bool    // the value does not reflect meta.Encoded yet
	kept    bool    // there is a snapshot
	attempt int
	aside   error // what a middleware has dealt with
}

// NewMessage makes the message of one worker or publication, inside the module; c encodes its values.
func NewMessage(p *Party, c codec.Codec) *Message {
	return &Message{party: p, codec: c, decoder: NewDecoder(c)}
}

// Reset makes it the message of another event, inside the module: event is a *topic.Event[T], meta its metadata, and body a
// pointer to its value.
func (m *Message) Reset(meta *envelope.Meta, event, body any) {
	m.meta, m.event, m.body = meta, event, body
	m.encoded, m.stale, m.kept, m.attempt = nil, meta.Encoded() != nil, false, 1
	m.aside = nil
	if was := meta.Origin.ContentType; !m.stale && was != "" && was != m.decoder.contentType { // the payload will be what our codec makes of the value
		origin := *meta.Origin
		origin.ContentType = m.decoder.contentType
		meta.Origin = &origin
	}
}

// Party returns whose chain it passes.
func (m *Message) Party() *Party { return m.party }

// Attempt returns which attempt to handle it is being made in this chain, from 1; after the last one, how many were made.
func (m *Message) Attempt() int { return m.attempt }

// SetAttempt is called by a middleware that tries again, before each attempt.
func (m *Message) SetAttempt(n int) { m.attempt = n }

// SetAside is called by a middleware that deals with the error of an event in another way than returning it, so that what stands outside of it
// knows that the event has failed.
func (m *Message) SetAside(err error) { m.aside = err }

// Aside returns the error that a middleware further inside has dealt with, nil if there was none.
func (m *Message) Aside() error { return m.aside }

// Meta gives the module's own packages access to what the accessors show.
func (m *Message) Meta() *envelope.Meta { return m.meta }

// Stale reports, inside the module, whether the value still has to be decoded from the payload.
func (m *Message) Stale() bool { return m.stale }

// Decode decodes the value of the event from its payload, unless it is there already, as at the end of the chain. The error is a [*DecodeError].
func (m *Message) Decode() error {
	if !m.stale {
		return nil
	}
	reflect.ValueOf(m.body).Elem().SetZero()
	if err := m.decoder.Decode(m.meta, m.meta.Encoded(), m.body); err != nil {
		return err
	}
	m.stale = false
	return nil
}

// Event returns the typed event, a *topic.Event[T]. Its value is not decoded yet when the message came from a transport or its
// payload was set: see Decode.
func (m *Message) Event() any { return m.event }

// Topic returns the name of the topic.
func (m *Message) Topic() string { return m.meta.Origin.Topic }

// ID returns what identifies the event, "" for events of plain peers and before the bus has numbered it.
func (m *Message) ID() string { return m.meta.ID() }

// Source returns the bus that published it, the zero UUID for events of plain peers.
func (m *Message) Source() uuid.UUID { return m.meta.Origin.Source }

// Seq returns its number among the events of its source and topic; 0 for events of plain peers and before the bus has numbered it.
func (m *Message) Seq() uint64 { return m.meta.Seq }

// Time returns when it was published, zero for events of plain peers.
func (m *Message) Time() time.Time {
	if m.meta.Time == 0 {
		return time.Time{}
	}
	return time.Unix(0, m.meta.Time)
}

// Key returns the event's key, "" when it has none.
func (m *Message) Key() string { return m.meta.Key() }

// Header returns the value of the named header, "" when there is none. Header content-type is that of Payload.
func (m *Message) Header(name string) string {
	v, _ := m.meta.Property(name)
	return v
}

// Headers yields the names and values of all headers. The key and the ID are not among them.
func (m *Message) Headers() iter.Seq2[string, string] { return m.meta.Headers() }

// SetHeader sets a header, for what comes later in the chain and, on the publish side, for the event itself. The error, if any,
// says what is wrong with the name.
func (m *Message) SetHeader(name, value string) error {
	if err := envelope.CheckName(name); err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	if name == envelope.KeyProperty || name == envelope.IDProperty {
		return fmt.Errorf("bus: header %q is set when publishing, not later", name)
	}
	m.meta.SetProperty(name, value)
	return nil
}

// SetID gives an event that has no ID one, of 1 to 255 bytes, which it keeps: before the bus has numbered it, or an event of a plain peer.
// An ID never changes: the error, if any, says that there is another one already, or what is wrong with this one.
func (m *Message) SetID(id string) error {
	if reason := envelope.Fault(envelope.IDProperty, id, false); reason != "" {
		return fmt.Errorf("bus: %s", reason)
	}
	switch has := m.ID(); has {
	case id:
		return nil
	case "":
		m.meta.SetProperty(envelope.IDProperty, id)
		return nil
	default:
		return fmt.Errorf("bus: the event has the ID %q already, it cannot become %q", has, id)
	}
}

// Payload returns the encoded event. A value published on this bus is encoded the first time; a payload that was received in
// several parts is joined. The caller must not change it, and it stays valid after the call.
func (m *Message) Payload() ([]byte, error) {
	if m.meta.Encoded() != nil {
		return m.meta.Payload(), nil
	}
	if m.encoded == nil {
		b, err := m.codec.Append([]byte{}, m.body)
		if err != nil {
			return nil, err
		}
		m.encoded = b
	}
	return m.encoded, nil
}

// Frames is Payload in the parts in which it was received, or that its codec makes.
func (m *Message) Frames() ([][]byte, error) {
	if frames := m.meta.Encoded(); frames != nil {
		return frames, nil
	}
	if frames := codec.FramesOf(m.codec); frames != nil {
		return frames.AppendFrames(nil, m.body)
	}
	payload, err := m.Payload()
	if err != nil {
		return nil, err
	}
	return [][]byte{payload}, nil
}

// SetPayload replaces the encoded event, which the message owns from then on. The value is decoded from it before it reaches a
// subscriber's function; if that fails, the event fails with a [*DecodeError].
func (m *Message) SetPayload(payload []byte) {
	m.keep()
	m.meta.SetEncoded([][]byte{payload})
	m.encoded, m.stale = nil, true
}

// Clone returns a copy that stays valid after the call, with an event of its own. What the value points to is shared.
func (m *Message) Clone() *Message {
	c := *m
	c.kept = false
	c.event, c.body, c.meta = m.event.(copier).Copy()
	return &c
}

// copier is a *topic.Event[T].
type copier interface {
	Copy() (event, body any, meta *envelope.Meta)
}
