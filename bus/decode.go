package bus

import (
	"bytes"
	"errors"
	"reflect"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
)

// Decoder decodes the payloads of events by a codec, inside the module. It remembers what the codec can do.
type Decoder struct {
	codec       codec.Codec
	contentType string
	frames      codec.Frames // if it takes them, and every event is one for it
}

// NewDecoder returns a decoder of c, inside the module.
func NewDecoder(c codec.Codec) Decoder {
	return Decoder{codec: c, contentType: c.ContentType(), frames: codec.FramesOf(c)}
}

// Decode decodes the payload of an event, in one frame or more, into v, inside the module. The error is a [*DecodeError].
func (d *Decoder) Decode(m *envelope.Meta, payload [][]byte, v any) error {
	contentType, err := d.decode(m, payload, v)
	if err == nil {
		return nil
	}
	e := &DecodeError{
		Topic: m.Origin.Topic, Seq: m.Seq, ContentType: contentType, Type: reflect.TypeOf(v).Elem().String(), Offset: -1, Err: err,
	}
	if m.Origin.Source != uuid.Nil {
		e.Source = m.Origin.Source.String()
	}
	var format *codec.FormatError
	if errors.As(err, &format) {
		e.Offset = format.Offset
	}
	return e
}

// decode returns the content type of the codec that was asked.
func (d *Decoder) decode(m *envelope.Meta, payload [][]byte, v any) (contentType string, err error) {
	c, frames, contentType := d.codec, d.frames, d.contentType
	if got, _ := m.Property(envelope.ContentTypeProperty); got != "" && got != contentType {
		if c = codec.Choose(c, got); c == nil {
			return contentType, &codec.ContentTypeError{Got: got, Accept: codec.Accepted(d.codec)}
		}
		frames, _ = c.(codec.Frames)
		contentType = c.ContentType()
	}
	switch {
	case frames != nil:
		return contentType, frames.DecodeFrames(payload, v)
	case len(payload) == 1:
		return contentType, c.Decode(payload[0], v)
	default:
		return contentType, c.Decode(bytes.Join(payload, nil), v)
	}
}
