package envelope

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/google/uuid"
)

// Size is the number of bytes before the properties.
const Size = 38

const (
	version        = 1
	mustUnderstand = 0xF0 // flag bits that a reader has to refuse when it does not know them
	retained       = 0x01 // flag bit of a copy that was sent again to a late joiner
)

// magic begins every envelope. No UTF-8 text contains its first byte.
const magic = "\xC1FFR"

// Error tells why a frame with the magic is not an envelope that this version can read.
type Error struct {
	Reason string
}

func (e *Error) Error() string { return "envelope: " + e.Reason }

// Header is the fixed part of an envelope and its properties, still encoded.
type Header struct {
	Source     uuid.UUID
	Seq        uint64
	Time       int64
	Properties string
	Retained   bool // the event was published before, and is sent once more to a peer that subscribed since
}

// Is tells whether frame claims to be an envelope: it is long enough and begins with the magic.
func Is(frame []byte) bool { return len(frame) >= Size && string(frame[:4]) == magic }

// Append appends the envelope of an event: the fixed part, the content type of a local origin, and the key or the properties.
func Append(dst []byte, m *Meta) []byte {
	o := m.Origin
	dst = append(dst, magic...)
	dst = append(dst, version, 0)
	dst = append(dst, o.Source[:]...)
	dst = binary.BigEndian.AppendUint64(dst, m.Seq)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Time))
	if o.ContentType != "" {
		dst = AppendProperty(dst, ContentTypeProperty, o.ContentType)
	}
	if !o.Keyed {
		return append(dst, m.Text...) // after the origin's content type: a property of the event overrides it
	}
	if m.Text != "" {
		dst = AppendProperty(dst, KeyProperty, m.Text)
	}
	return dst
}

// SetSeq writes the sequence into an envelope made by Append, for publishers that learn it last.
func SetSeq(frame []byte, seq uint64) { binary.BigEndian.PutUint64(frame[22:30], seq) }

// MarkRetained sets the flag of a retained event in an envelope made by Append. The frame must be at least Size bytes.
func MarkRetained(frame []byte) { frame[5] |= retained }

// Parse reads an envelope. The properties in the result are a view of frame, which must not change afterwards. Errors are *Error;
// a frame for which Is does not hold is one.
func Parse(frame []byte) (Header, error) {
	if !Is(frame) {
		return Header{}, &Error{fmt.Sprintf("%d bytes without the magic, or fewer than %d", len(frame), Size)}
	}
	if len(frame) > MaxSize {
		return Header{}, &Error{fmt.Sprintf("%d bytes, more than %d", len(frame), MaxSize)}
	}
	if frame[4] != version {
		return Header{}, &Error{fmt.Sprintf("version %d, this program reads %d", frame[4], version)}
	}
	if unknown := frame[5] & mustUnderstand; unknown != 0 {
		return Header{}, &Error{fmt.Sprintf("flags %#02x that this program does not know", unknown)}
	}
	h := Header{
		Source: uuid.UUID(frame[6:22]),
		Seq:    binary.BigEndian.Uint64(frame[22:30]),
		Time:   int64(binary.BigEndian.Uint64(frame[30:38])),

		Retained: frame[5]&retained != 0,
	}
	if properties := frame[Size:]; len(properties) > 0 {
		// A string over the frame itself: received frames never change, and most properties are never read.
		h.Properties = unsafe.String(&properties[0], len(properties))
	}
	for rest := h.Properties; rest != ""; {
		_, _, after, ok := next(rest)
		if !ok {
			return Header{}, &Error{fmt.Sprintf("property at byte %d is cut short or has no name", len(frame)-len(rest))}
		}
		rest = after
	}
	return h, nil
}
