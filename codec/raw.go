package codec

import "reflect"

// Raw passes bytes through unchanged, for payloads that are encoded elsewhere or are not to be decoded. T is []byte or a named
// type of it, such as [encoding/json.RawMessage]; others, and nil pointers, are a [*TypeError]. There are no other errors.
//
// Decode copies nothing: the value shares memory with src. Its capacity ends where src does, so appending to it moves it away.
// Empty and nil slices have the same encoding, and which of the two comes back is not defined.
var Raw rawCodec

type rawCodec struct{}

// Append appends the bytes that v points to.
func (rawCodec) Append(dst []byte, v any) ([]byte, error) {
	if p, ok := v.(*[]byte); ok && p != nil {
		return append(dst, *p...), nil
	}
	slice, err := byteSlice(v)
	if err != nil {
		return dst, err
	}
	return append(dst, slice.Bytes()...), nil
}

// Decode makes v point to src itself.
func (rawCodec) Decode(src []byte, v any) error {
	src = src[:len(src):len(src)]
	if p, ok := v.(*[]byte); ok && p != nil {
		*p = src
		return nil
	}
	slice, err := byteSlice(v)
	if err != nil {
		return err
	}
	slice.SetBytes(src)
	return nil
}

// ContentType returns "application/octet-stream".
func (rawCodec) ContentType() string {
	return "application/octet-stream"
}

// choose accepts every content type: bytes are bytes.
func (c rawCodec) choose(string) Codec { return c }

// byteSlice returns what v points to when that is a byte slice of any type. A nil pointer points to the invalid kind.
func byteSlice(v any) (reflect.Value, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.Elem().Kind() != reflect.Slice || p.Elem().Type().Elem().Kind() != reflect.Uint8 {
		return reflect.Value{}, &TypeError{Codec: "raw", Want: "a pointer to a byte slice that is not nil", Got: reflect.TypeOf(v)}
	}
	return p.Elem(), nil
}
