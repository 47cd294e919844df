package codec

import (
	"fmt"
	"mime"
	"reflect"
	"unicode/utf8"
)

// String passes text through as UTF-8. T is string or a named type of it; others, and nil pointers, are a [*TypeError]. Text that
// is not valid UTF-8 is refused in both directions with a [*FormatError] that gives the offset of the first bad byte, so that a mistake
// shows where it is made. Package text, below this one, has other encodings.
var String stringCodec

type stringCodec struct{}

// Append appends the string that v points to.
func (stringCodec) Append(dst []byte, v any) ([]byte, error) {
	s, err := stringAt(v)
	if err != nil {
		return dst, err
	}
	if !utf8.ValidString(s.String()) {
		return dst, invalidUTF8(s.String())
	}
	return append(dst, s.String()...), nil
}

// Decode stores a copy of src in the string that v points to.
func (stringCodec) Decode(src []byte, v any) error {
	s, err := stringAt(v)
	if err != nil {
		return err
	}
	if !utf8.Valid(src) {
		return invalidUTF8(string(src))
	}
	s.SetString(string(src))
	return nil
}

// ContentType returns "text/plain; charset=utf-8".
func (stringCodec) ContentType() string {
	return "text/plain; charset=utf-8"
}

// choose accepts whatever may be UTF-8: JSON is text as well.
func (c stringCodec) choose(contentType string) Codec {
	if _, parameters, err := mime.ParseMediaType(contentType); err == nil && !sameCharset(parameters, "utf-8") {
		return nil
	}
	return c
}

// stringAt returns what v points to when that is a string of any type. A nil pointer points to the invalid kind.
func stringAt(v any) (reflect.Value, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.Elem().Kind() != reflect.String {
		return reflect.Value{}, &TypeError{Codec: "string", Want: "a pointer to a string that is not nil", Got: reflect.TypeOf(v)}
	}
	return p.Elem(), nil
}

// invalidUTF8 returns the error for s, which is not valid UTF-8.
func invalidUTF8(s string) error {
	offset := 0
	for offset < len(s) {
		r, size := utf8.DecodeRuneInString(s[offset:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		offset += size
	}
	return &FormatError{int64(offset), fmt.Errorf("text of %d bytes is not valid UTF-8", len(s))}
}
