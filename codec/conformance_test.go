package codec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
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

// TestAppend checks every sentence of the contract of Append that holds for all codecs.
func TestAppend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		codec codec.Codec
		value any
		want  string
	}{
		"raw":                {codec.Raw, new([]byte("\x00\xff")), "\x00\xff"},
		"raw empty":          {codec.Raw, new([]byte), ""},
		"raw named":          {codec.Raw, new(frame("abc")), "abc"},
		"raw named elements": {codec.Raw, new([]octet{'a', 'b'}), "ab"},
		"string":             {codec.String, new("größer"), "größer"},
		"string empty":       {codec.String, new(""), ""},
		"string named":       {codec.String, new(label("abc")), "abc"},
		"json":               {codec.JSON, &order{ID: 1, Lines: []string{"<a&b>"}}, `{"id":1,"lines":["<a&b>"]}`},
		"json nil":           {codec.JSON, new(*order), `null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roomy := append(make([]byte, 0, 256), "head:"...)
			got, err := tc.codec.Append(roomy, tc.value)
			if err != nil || string(got) != "head:"+tc.want {
				t.Errorf("with room: %q, %v, want %q", got, err, "head:"+tc.want)
			}
			got, err = tc.codec.Append(nil, tc.value)
			if err != nil || string(got) != tc.want {
				t.Errorf("onto nil: %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestAppendErrorLeavesDst(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		codec codec.Codec
		value any
		want  string
	}{
		"raw":    {codec.Raw, new("text"), "cannot handle *string"},
		"string": {codec.String, new("abc\xffdef"), "at byte 3: text of 7 bytes is not valid UTF-8"},
		"json":   {codec.JSON, &[]any{"fits", func() {}}, "unsupported type: func()"},
	} {
		dst := []byte("head:")
		got, err := tc.codec.Append(dst, tc.value)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, tc.want)
		}
		if string(got) != "head:" {
			t.Errorf("%s: after an error dst is %q", name, got)
		}
	}
}

func TestTypeError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		codec codec.Codec
		value any
		want  string
	}{
		"raw value":         {codec.Raw, []byte("not a pointer"), "codec: raw cannot handle []uint8, it takes a pointer to a byte slice that is not nil"},
		"raw other slice":   {codec.Raw, new([]int), "codec: raw cannot handle *[]int, it takes a pointer to a byte slice that is not nil"},
		"raw array":         {codec.Raw, new([4]byte), "codec: raw cannot handle *[4]uint8, it takes a pointer to a byte slice that is not nil"},
		"raw struct":        {codec.Raw, new(order), "codec: raw cannot handle *codec_test.order, it takes a pointer to a byte slice that is not nil"},
		"raw nil pointer":   {codec.Raw, (*[]byte)(nil), "codec: raw cannot handle *[]uint8, it takes a pointer to a byte slice that is not nil"},
		"raw nil named":     {codec.Raw, (*frame)(nil), "codec: raw cannot handle *codec_test.frame, it takes a pointer to a byte slice that is not nil"},
		"raw nil":           {codec.Raw, nil, "codec: raw cannot handle <nil>, it takes a pointer to a byte slice that is not nil"},
		"string value":      {codec.String, "not a pointer", "codec: string cannot handle string, it takes a pointer to a string that is not nil"},
		"string bytes":      {codec.String, new([]byte), "codec: string cannot handle *[]uint8, it takes a pointer to a string that is not nil"},
		"string nil":        {codec.String, nil, "codec: string cannot handle <nil>, it takes a pointer to a string that is not nil"},
		"string nil named":  {codec.String, (*label)(nil), "codec: string cannot handle *codec_test.label, it takes a pointer to a string that is not nil"},
		"string of pointer": {codec.String, new(*string), "codec: string cannot handle **string, it takes a pointer to a string that is not nil"},
	} {
		_, appendErr := tc.codec.Append(nil, tc.value)
		for verb, err := range map[string]error{"Append": appendErr, "Decode": tc.codec.Decode([]byte("abc"), tc.value)} {
			var wrong *codec.TypeError
			if !errors.As(err, &wrong) || err.Error() != tc.want {
				t.Errorf("%s: %s = %v, want %s", name, verb, err, tc.want)
			}
		}
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	got := []string{codec.Raw.ContentType(), codec.String.ContentType(), codec.JSON.ContentType()}
	want := []string{"application/octet-stream", "text/plain; charset=utf-8", "application/json"}
	if !slices.Equal(got, want) {
		t.Errorf("content types %q, want %q", got, want)
	}
}
