package envelope

import (
	"crypto/sha1"
	"strconv"

	"github.com/google/uuid"
)

// ID returns the property id, or else the derived one. It is "" for events that have neither: those of plain peers and those not published
// yet.
func (m *Meta) ID() string {
	if id, ok := m.Property(IDProperty); ok {
		return id
	}
	if id, ok := m.DerivedID(); ok {
		return id.String()
	}
	return ""
}

// DerivedID returns what identifies the event unless it has the property id: the UUIDv5 (RFC 9562, section 5.5) of topic and sequence in the
// namespace of the source. It reports false if there are none.
func (m *Meta) DerivedID() (id uuid.UUID, ok bool) {
	if m.Origin == nil || m.Origin.Source == uuid.Nil || m.Seq == 0 {
		return uuid.Nil, false
	}
	name := make([]byte, 0, 300) // a topic has 255 bytes at most
	name = append(name, m.Origin.Source[:]...)
	name = append(name, m.Origin.Topic...)
	name = append(name, 0)
	name = strconv.AppendUint(name, m.Seq, 10)
	sum := sha1.Sum(name) // as uuid.NewSHA1, which allocates
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 0x50 // the version
	id[8] = id[8]&0x3f | 0x80 // the variant
	return id, true
}
