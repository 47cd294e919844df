package codec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

// Named types, which the codecs must take like the types they are made of.
type (
	frame []byte
	octet byte
	label string
	order struct {
		ID    int      `json:"id"`
		Lines []string `json:"lines"`
	}
)

func value(v any, encoded string) codectest.Value {
	return codectest.Value{Value: v, Encoded: []byte(encoded)}
}

func malformed(src string, into any, offset int64, text string) codectest.Malformed {
	return codectest.Malformed{Src: []byte(src), Into: into, Offset: offset, Error: text}
}

func TestRaw(t *testing.T) {
	t.Parallel()
	codectest.Run(t, codec.Raw, codectest.Cases{
		Name: "raw",
		Values: map[string]codectest.Value{
			"bytes":          value(new([]byte("\x00\xff")), "\x00\xff"),
			"empty":          value(&[]byte{}, ""),
			"named":          value(new(frame("abc")), "abc"),
			"named elements": value(new([]octet{'a', 'b'}), "ab"),
			"of JSON":        value(new(json.RawMessage("{}")), "{}"),
		},
		WrongTypes: map[string]any{
			"nil": nil, "value": []byte("not a pointer"), "other slice": new([]int), "array": new([4]byte), "struct": new(order),
			"text": new("text"), "nil pointer": (*[]byte)(nil), "nil named": (*frame)(nil),
		},
		Equal: func(got, want any) bool { // no bytes may be nil or empty
			return bytes.Equal(reflect.ValueOf(got).Elem().Bytes(), reflect.ValueOf(want).Elem().Bytes())
		},
		ShareMemory: true, PrefixesDecode: true, LongerDecode: true,
	})
	if got := codec.Raw.ContentType(); got != "application/octet-stream" {
		t.Errorf("content type %q", got)
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	codectest.Run(t, codec.String, codectest.Cases{
		Name: "string",
		Values: map[string]codectest.Value{
			"text":  value(new("größer"), "größer"),
			"empty": value(new(""), ""),
			"named": value(new(label("abc")), "abc"),
		},
		Refused: map[string]codectest.Refused{
			"not UTF-8": {Value: new("abc\xffdef"), Error: "at byte 3: text of 7 bytes is not valid UTF-8"},
		},
		Malformed: map[string]codectest.Malformed{
			"first":     malformed("\xff", new(string), 0, "at byte 0: text of 1 bytes is not valid UTF-8"),
			"last":      malformed("größe\xc3", new(string), 7, "at byte 7: text of 8 bytes is not valid UTF-8"),
			"surrogate": malformed("\uFFFD\xed\xa0x", new(string), 3, "at byte 3: text of 6 bytes is not valid UTF-8"),
		},
		WrongTypes: map[string]any{
			"nil": nil, "value": "not a pointer", "bytes": new([]byte), "nil named": (*label)(nil), "of pointer": new(*string),
		},
		PrefixesDecode: true, LongerDecode: true,
	})
	if got := codec.String.ContentType(); got != "text/plain; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	codectest.Run(t, codec.JSON, codectest.Cases{
		Values: map[string]codectest.Value{
			"struct":  value(&order{ID: 1, Lines: []string{"<a&b>"}}, `{"id":1,"lines":["<a&b>"]}`),
			"nil":     value(new(*order), `null`),
			"encoded": value(&[]json.RawMessage{json.RawMessage(`"payload"`)}, `["payload"]`),
		},
		Refused: map[string]codectest.Refused{"function": {Value: &[]any{"fits", func() {}}, Error: "unsupported type: func()"}},
		Malformed: map[string]codectest.Malformed{
			"empty":      malformed("", new(order), 0, "at byte 0: unexpected end of JSON input"),
			"cut short":  malformed(`{"id":1`, new(order), 7, "at byte 7: unexpected end of JSON input"),
			"cut word":   malformed("nul", new(any), 3, "invalid character ' ' in literal null"),
			"cut number": malformed("[1.", new(any), 3, "invalid character ' ' after decimal point in numeric literal"),
			"bad number": malformed("[1. ", new(any), 3, "invalid character ' ' after decimal point in numeric literal"),
			"bad word":   malformed("nul ", new(any), 3, "invalid character ' ' in literal null"),
			"left over":  malformed(`{"id":1} {}`, new(order), 9, "at byte 9: invalid character '{' after top-level value"),
			"no value":   malformed(`}`, new(order), 0, "at byte 0: invalid character '}' looking for beginning of value"),
			"too large":  malformed("1E700", new(any), 5, "cannot unmarshal number 1E700 into Go value of type float64"),
			"wrong type": malformed(`{"id":"one"}`, new(order), 11, "json: cannot unmarshal string into Go struct field order.id of type int"),
		},
	})
	if got := codec.JSON.ContentType(); got != "application/json" {
		t.Errorf("content type %q", got)
	}
}

func TestTypeErrorSaysWhatFits(t *testing.T) {
	t.Parallel()
	for want, tc := range map[string]struct {
		codec codec.Codec
		value any
	}{
		"codec: raw cannot handle *string, it takes a pointer to a byte slice that is not nil":          {codec.Raw, new("text")},
		"codec: string cannot handle *codec_test.order, it takes a pointer to a string that is not nil": {codec.String, new(order)},
		"codec: string cannot handle <nil>, it takes a pointer to a string that is not nil":             {codec.String, nil},
	} {
		_, err := tc.codec.Append(nil, tc.value)
		var wrong *codec.TypeError
		if !errors.As(err, &wrong) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
