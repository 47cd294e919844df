package codec

import (
	"encoding/json"
	"errors"
	"strings"
)

// JSON encodes any T that [encoding/json] can, by that package's rules, and returns its errors, those of decoding in a [*FormatError] where it
// says at which byte it found them. Unlike [json.Marshal] it leaves the characters <, > and & as they are: the encoding is not meant for HTML
// pages.
var JSON jsonCodec

type jsonCodec struct{}

// Append appends the JSON text of what v points to, in one line and without a newline at the end.
func (jsonCodec) Append(dst []byte, v any) ([]byte, error) {
	out := appender{dst}
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	return out.buf[:len(out.buf)-len("\n")], nil
}

// Decode decodes src, one JSON text, into what v points to.
func (jsonCodec) Decode(src []byte, v any) error {
	err := json.Unmarshal(src, v)
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at := syntax.Offset
		if !cutShort(src, syntax) { // what was read ends with the byte that is wrong
			at--
		}
		return &FormatError{at, err}
	case errors.As(err, &mismatch):
		return &FormatError{min(mismatch.Offset, int64(len(src))), err} // of a number at the end it is one more
	}
	return err
}

// choose refuses JSON that says that it is not UTF-8, as RFC 8259 wants it.
func (c jsonCodec) choose(contentType string) Codec {
	if same(contentType, "application/json; charset=utf-8") {
		return c
	}
	return nil
}

// cutShort reports whether err is about the end of src. In the middle of a number or a word, such as null, the error is about a space that
// package json puts there.
func cutShort(src []byte, err *json.SyntaxError) bool {
	if strings.HasPrefix(err.Error(), "invalid character ' ' ") {
		return err.Offset == int64(len(src)) && src[len(src)-1] != ' '
	}
	return err.Error() == "unexpected end of JSON input"
}

// ContentType returns "application/json".
func (jsonCodec) ContentType() string {
	return "application/json"
}

// appender is an [io.Writer] onto the end of a slice.
type appender struct {
	buf []byte
}

// Write never fails.
func (a *appender) Write(p []byte) (int, error) {
	a.buf = append(a.buf, p...)
	return len(p), nil
}
