package bus

import "github.com/fanfare-go/fanfare/internal/envelope"

// Snapshot is what a message was at a moment: its headers, payload and value.
type Snapshot struct {
	meta    envelope.Meta
	at      *envelope.Meta
	event   any
	body    any
	encoded []byte
}

// Snapshot keeps what the message is, for a middleware that makes several attempts: each is to begin with the same, whatever middleware
// further inside has set in one that failed. It costs no allocation, and a later SetPayload one more.
func (m *Message) Snapshot() Snapshot {
	m.kept = true
	return Snapshot{*m.meta, m.meta, m.event, m.body, m.encoded}
}

// Restore makes the message what it was, as far as SetHeader and SetPayload have changed it; what the value points to is as it is now. The
// snapshot is one of the same message and event. An ID that it was given stays: another attempt is one for the same event.
func (m *Message) Restore(s Snapshot) {
	id, given := m.meta.Property(envelope.IDProperty)
	if m.meta.Origin != s.meta.Origin { // the payload was set, or a header where there was only a key
		m.event, m.body, m.meta = s.event, s.body, s.at
		m.encoded, m.stale = s.encoded, s.meta.Encoded() != nil
	}
	*m.meta = s.meta
	if _, had := s.meta.Property(envelope.IDProperty); given && !had {
		m.meta.SetProperty(envelope.IDProperty, id)
	}
}

// keep lets a value that a snapshot needs stay as it is when the payload is about to take its place.
func (m *Message) keep() {
	if m.kept && m.meta.Encoded() == nil {
		m.event, m.body, m.meta = m.event.(copier).Copy()
	}
}
