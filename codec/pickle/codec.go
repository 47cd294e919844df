package pickle

import (
	"reflect"

	"github.com/fanfare-go/fanfare/codec"
)

// Codec encodes and decodes pickles of plain data, as the documentation of the package says.
//
// T is any type made of plain data; one that is not, such as a channel, is a [*codec.TypeError] once a value of it is to be encoded
// or decoded. Nil pointers to T are one too.
var Codec pickleCodec

type pickleCodec struct{}

// Append appends the pickle of what v points to, in protocol 4, which Python reads since version 3.4. It is deterministic: the keys
// of maps are sorted. Text that is not UTF-8, keys that no dict can have, and values nested more than 1000 deep, as those are that
// contain themselves, are errors that name the path to them, such as .items[2].name.
func (pickleCodec) Append(dst []byte, v any) ([]byte, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return dst, typeError(reflect.TypeOf(v))
	}
	s := saver{buf: append(dst, opProto, version)}
	if err := s.save(p.Elem(), 0); err != nil {
		return dst, s.at(err)
	}
	return append(s.buf, opStop), nil
}

// Decode decodes src, one pickle of any protocol from 0 to 5, and copies what it keeps. Errors are a [*codec.FormatError]: with the
// offset of the opcode that is malformed, refused, or makes a value that T cannot hold. In that case the error also names the path
// to the value.
func (pickleCodec) Decode(src []byte, v any) error {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return typeError(reflect.TypeOf(v))
	}
	root, err := load(src)
	if err != nil {
		return err
	}
	s := setter{budget: minValues + valuesPerByte*len(src)}
	return s.at(s.set(p.Elem(), root, 0))
}

// ContentType returns "application/x-python-pickle". No media type is registered for pickles; this is the name in use.
func (pickleCodec) ContentType() string {
	return "application/x-python-pickle"
}

func typeError(t reflect.Type) error {
	return &codec.TypeError{Codec: "pickle", Want: "a pointer that is not nil to plain data: bool, numbers, text, bytes, lists, maps, structs", Got: t}
}
