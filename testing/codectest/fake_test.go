package codectest_test

import (
	"errors"
	"io"
	"reflect"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

// fake is a codec of []byte, whose encoding is its length, in one byte, and the bytes. What is set replaces what a sound codec does.
type fake struct {
	append      func(dst []byte, v any) ([]byte, error)
	decode      func(src []byte, v any) error
	contentType func() string
}

func (f fake) Append(dst []byte, v any) ([]byte, error) {
	if f.append != nil {
		return f.append(dst, v)
	}
	return soundAppend(dst, v)
}

func (f fake) Decode(src []byte, v any) error {
	if f.decode != nil {
		return f.decode(src, v)
	}
	return soundDecode(src, v)
}

func (f fake) ContentType() string {
	if f.contentType != nil {
		return f.contentType()
	}
	return "application/x-fake"
}

var errLong = errors.New("more than 255 bytes")

func soundAppend(dst []byte, v any) ([]byte, error) {
	p, ok := v.(*[]byte)
	switch {
	case !ok || p == nil:
		return dst, typeError(v)
	case len(*p) > 255:
		return dst, errLong
	}
	return append(append(dst, byte(len(*p))), *p...), nil
}

func soundDecode(src []byte, v any) error {
	p, ok := v.(*[]byte)
	switch {
	case !ok || p == nil:
		return typeError(v)
	case len(src) == 0 || len(src)-1 < int(src[0]):
		return &codec.FormatError{Offset: int64(len(src)), Err: io.ErrUnexpectedEOF}
	case len(src)-1 > int(src[0]):
		return &codec.FormatError{Offset: 1 + int64(src[0]), Err: errors.New("bytes are left over")}
	}
	*p = append([]byte{}, src[1:]...)
	return nil
}

func typeError(v any) error {
	return &codec.TypeError{Codec: "fake", Want: "a pointer to a []byte that is not nil", Got: reflect.TypeOf(v)}
}

// cases are what the fakes are checked with.
func cases() codectest.Cases {
	return codectest.Cases{
		Values: map[string]codectest.Value{
			"empty": {Value: &[]byte{}, Encoded: []byte{0}},
			"nil":   {Value: new([]byte), Encoded: []byte{0}, Decoded: &[]byte{}},
			"text":  {Value: new([]byte("text")), Encoded: []byte("\x04text")},
			"other": {Value: new([]byte("other"))},
		},
		Refused: map[string]codectest.Refused{"long": {Value: new(make([]byte, 256)), Error: "more than 255"}},
		Malformed: map[string]codectest.Malformed{
			"short": {Src: []byte("\x04tex"), Into: new([]byte), Offset: 4, Error: "unexpected EOF"},
			"long":  {Src: []byte("\x04text."), Into: new([]byte), Offset: 5, Error: "left over"},
		},
		WrongTypes: map[string]any{"nil": nil, "value": []byte{}, "text": new(string), "nil pointer": (*[]byte)(nil)},
	}
}
