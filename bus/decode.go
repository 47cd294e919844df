package bus

import (
	"reflect"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
)

// Decoder turns bytes into a value; every codec.Codec is one. v is a pointer to the zero value.
type Decoder interface {
	Decode(src []byte, v any) error
	ContentType() string
}

// Decode decodes the payload of an event into v, inside the module. The error is a [*DecodeError].
func Decode(m *envelope.Meta, payload []byte, d Decoder, v any) error {
	err := d.Decode(payload, v)
	if err == nil {
		return nil
	}
	e := &DecodeError{Topic: m.Origin.Topic, Seq: m.Seq, ContentType: d.ContentType(), Type: reflect.TypeOf(v).Elem().String(), Err: err}
	if m.Origin.Source != uuid.Nil {
		e.Source = m.Origin.Source.String()
	}
	return e
}
