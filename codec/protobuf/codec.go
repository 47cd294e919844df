// Package protobuf has the codec for messages of Protocol Buffers.
//
//	var Orders = topic.New[*pb.Order]("orders.created").WithCodec(protobuf.Codec)
package protobuf

import (
	"reflect"

	"github.com/fanfare-go/fanfare/codec"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Codec encodes messages in the binary format of Protocol Buffers, by the rules of [google.golang.org/protobuf/proto].
//
// T is a pointer to a generated message, such as *pb.Order, for which Decode allocates the message. The struct itself works too,
// but "go vet" objects to copies of messages, so prefer the pointer. Other types are a [*codec.TypeError]: so are interfaces and
// [dynamicpb.Message], which do not say what message is to be decoded. Nil pointers to T are one too.
var Codec protobufCodec

type protobufCodec struct{}

// Append appends the encoding of the message. A T that is nil is encoded as a message without fields, so Decode makes an empty
// message of it. The encoding is deterministic: one program encodes equal messages to equal bytes. That costs time only for
// messages with maps, which are sorted; it does not hold between programs of other versions or languages. Required fields that are
// not set, and strings that are not UTF-8, are errors of package proto.
func (protobufCodec) Append(dst []byte, v any) ([]byte, error) {
	m, err := messageAt(v, false)
	if err != nil {
		return dst, err
	}
	out, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, m)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// Decode decodes src, one message, and copies what it keeps. Fields that the type does not have are kept and encoded again, as
// package proto does; how deep messages nest is limited by that package. What is malformed, or cut short, is a
// [*codec.FormatError] with the offset of the innermost field that is wrong. A message cut between two fields is a shorter
// message, which the format cannot tell. Errors without a place, such as a required field that is missing, are those of package
// proto.
func (protobufCodec) Decode(src []byte, v any) error {
	m, err := messageAt(v, true)
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(src, m); err != nil {
		if offset, found := malformed(m.ProtoReflect().Descriptor(), src); found {
			return &codec.FormatError{Offset: int64(offset), Err: err}
		}
		return err
	}
	return nil
}

// ContentType returns "application/protobuf", the name of the IETF's draft of a registration. Others say
// "application/x-protobuf" for the same bytes.
func (protobufCodec) ContentType() string {
	return "application/protobuf"
}

var messageType = reflect.TypeFor[proto.Message]()

// messageAt returns the message that v, a *T, points to: T is the message, or a pointer to it, which allocate sets.
func messageAt(v any, allocate bool) (proto.Message, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return nil, typeError(v)
	}
	if t := p.Type().Elem(); t.Kind() == reflect.Pointer {
		if !usable(t) {
			return nil, typeError(v)
		}
		if allocate {
			p.Elem().Set(reflect.New(t.Elem()))
		}
		p = p.Elem()
	}
	if !usable(p.Type()) {
		return nil, typeError(v)
	}
	return p.Interface().(proto.Message), nil
}

// usable reports whether t is a pointer to a message whose type says which message that is.
func usable(t reflect.Type) bool {
	return t.Implements(messageType) && t.Elem().Kind() == reflect.Struct && t != reflect.TypeFor[*dynamicpb.Message]()
}

func typeError(v any) error {
	return &codec.TypeError{Codec: "protobuf", Want: "a pointer that is not nil to a generated message, or to a pointer to one", Got: reflect.TypeOf(v)}
}
