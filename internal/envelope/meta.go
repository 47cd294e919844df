// Package envelope holds what an event carries besides its value, and how that looks on the wire (docs/wire.md).
package envelope

import (
	"bytes"
	"iter"

	"github.com/google/uuid"
)

// Origin is what all events of one publisher have in common. It is never changed once an event points to it.
type Origin struct {
	Topic       string
	Source      uuid.UUID // zero for plain peers
	ContentType string    // local publishers only: on the wire it is a property
	Keyed       bool      // Meta.Text is the bare key, not properties
	Remote      bool      // the event came through a transport
	// Encoded is the value, in one part or several, where it is still to be decoded. Such an origin is that of one event.
	Encoded [][]byte
}

// Meta is what an event carries besides its value. It is held by value in every event and message, so it stays at 40 bytes:
// a bare key needs no encoding, and properties from the wire are not looked at before somebody asks.
type Meta struct {
	Origin *Origin
	Seq    uint64 // per source and topic, from 1; 0 when not published yet
	Time   int64  // Unix nanoseconds; 0 when unknown
	Text   string // the key if Origin.Keyed, else encoded properties
}

// Encoded returns what the value is still to be decoded from, nil if it is there.
func (m *Meta) Encoded() [][]byte {
	if m.Origin == nil {
		return nil
	}
	return m.Origin.Encoded
}

// Payload returns what Encoded does, in one part.
func (m *Meta) Payload() []byte {
	frames := m.Encoded()
	if len(frames) == 1 {
		return frames[0]
	}
	return bytes.Join(frames, nil)
}

// SetEncoded makes frames what the value is to be decoded from. Other events of the same origin are not affected.
func (m *Meta) SetEncoded(frames [][]byte) {
	origin := *m.Origin
	origin.Encoded = frames
	m.Origin = &origin
}

// Key returns the event's key, "" when it has none.
func (m *Meta) Key() string {
	if m.Origin == nil {
		return ""
	}
	if m.Origin.Keyed {
		return m.Text
	}
	key, _ := Lookup(m.Text, KeyProperty)
	return key
}

// Property returns the value of the named property.
func (m *Meta) Property(name string) (string, bool) {
	if m.Origin == nil {
		return "", false
	}
	if m.Origin.Keyed {
		if name == KeyProperty && m.Text != "" {
			return m.Text, true
		}
	} else if v, ok := Lookup(m.Text, name); ok {
		return v, true
	}
	if name == ContentTypeProperty && m.Origin.ContentType != "" {
		return m.Origin.ContentType, true
	}
	return "", false
}

// Headers yields every property but the key and the ID, which have accessors of their own. Of duplicates it yields the last.
func (m *Meta) Headers() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if m.Origin == nil {
			return
		}
		if ct := m.Origin.ContentType; ct != "" {
			if _, ok := Lookup(m.properties(), ContentTypeProperty); !ok && !yield(ContentTypeProperty, ct) {
				return
			}
		}
		left := map[string]int{} // how many of a name are still to come: looking ahead from each would take quadratic time
		for name := range All(m.properties()) {
			left[name]++
		}
		for name, value := range All(m.properties()) {
			if left[name]--; left[name] > 0 || name == KeyProperty || name == IDProperty {
				continue
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// properties returns the encoded properties, "" when Text is a bare key.
func (m *Meta) properties() string {
	if m.Origin.Keyed {
		return ""
	}
	return m.Text
}

// SetProperty sets a property. Other events of the same origin are not affected.
func (m *Meta) SetProperty(name, value string) {
	text := make([]byte, 0, len(m.Text)+len(KeyProperty)+len(name)+len(value)+10) // two lengths of a name, two of a value
	if m.Origin.Keyed {
		origin := *m.Origin
		origin.Keyed = false
		if m.Text != "" {
			text = AppendProperty(text, KeyProperty, m.Text)
		}
		m.Origin = &origin
	} else {
		for n, v := range All(m.Text) {
			if n != name {
				text = AppendProperty(text, n, v)
			}
		}
	}
	m.Text = string(AppendProperty(text, name, value))
}
