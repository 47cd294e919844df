package msgpack_test

import (
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/msgpack"
)

type order struct {
	ID    int      `msgpack:"id"`
	Lines []string `msgpack:"lines"`
}

// TestAppend compares with the page of the format, whose example of a map is the first line, and with encodings made by hand from it.
func TestAppend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value any
		want  string // in hexadecimal
	}{
		"specification": {&map[string]any{"compact": true, "schema": 0}, "82 a7 636f6d70616374 c3 a6 736368656d61 00"},
		"struct":        {&order{ID: 1, Lines: []string{"a"}}, "82 a2 6964 01 a5 6c696e6573 91 a1 61"},
		"nil":           {new(*order), "c0"},
		"false":         {new(false), "c2"},
		"fixint":        {new(int64(127)), "7f"},
		"negative":      {new(int64(-32)), "e0"},
		"int 8":         {new(int64(-33)), "d0 df"},
		"uint 8":        {new(uint64(128)), "cc 80"},
		"uint 16":       {new(uint32(256)), "cd 0100"},
		"uint 32":       {new(int64(65536)), "ce 00010000"},
		"uint 64":       {new(uint64(math.MaxUint64)), "cf ffffffffffffffff"},
		"int 64":        {new(int64(math.MinInt64)), "d3 8000000000000000"},
		"float 32":      {new(float32(0.5)), "ca 3f000000"},
		"float 64":      {new(0.5), "cb 3fe0000000000000"},
		"text":          {new("größe"), "a7 6772c3b6c39f65"},
		"empty text":    {new(""), "a0"},
		"str 8":         {new(strings.Repeat("a", 32)), "d9 20" + strings.Repeat("61", 32)},
		"bin 8":         {new([]byte{0, 255}), "c4 02 00ff"},
		"array 16":      {new(make([]bool, 16)), "dc 0010" + strings.Repeat("c2", 16)},
		"timestamp 32":  {new(time.Unix(1, 0)), "d6 ff 00000001"},
		"timestamp 64":  {new(time.Unix(1, 1)), "d7 ff 0000000400000001"},
		"timestamp 96":  {new(time.Unix(-1, 1)), "c7 0c ff 00000001 ffffffffffffffff"},
		"sorted":        {&map[string]string{"b": "", "a": "", "c": ""}, "83 a161 a0 a162 a0 a163 a0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := "head:" + string(unhex(t, tc.want))
			for _, dst := range [][]byte{append(make([]byte, 0, 256), "head:"...), []byte("head:")} {
				if got, err := msgpack.Codec.Append(dst, tc.value); err != nil || string(got) != want {
					t.Errorf("% x, %v, want % x", got, err, want)
				}
			}
			decoded := reflect.New(reflect.TypeOf(tc.value).Elem())
			if err := msgpack.Codec.Decode([]byte(want)[len("head:"):], decoded.Interface()); err != nil {
				t.Errorf("it does not decode: %v", err)
			}
			if again, err := msgpack.Codec.Append([]byte("head:"), decoded.Interface()); err != nil || string(again) != want {
				t.Errorf("decoded and encoded again: % x, %v, want % x", again, err, want)
			}
		})
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAppendErrorLeavesDst(t *testing.T) {
	t.Parallel()
	dst := []byte("head:")
	got, err := msgpack.Codec.Append(dst, &[]any{"fits", make(chan int)})
	if err == nil || !strings.Contains(err.Error(), "unsupported chan int") {
		t.Errorf("error %v", err)
	}
	if string(got) != "head:" {
		t.Errorf("after an error dst is %q", got)
	}
}

func TestTypeError(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"nil": nil, "value": order{}, "nil pointer": (*order)(nil), "nil map pointer": (*map[string]any)(nil), "map": map[string]any{},
	} {
		_, appendErr := msgpack.Codec.Append(nil, v)
		for verb, err := range map[string]error{"Append": appendErr, "Decode": msgpack.Codec.Decode([]byte{0x80}, v)} {
			var wrong *codec.TypeError
			if !errors.As(err, &wrong) || wrong.Codec != "msgpack" || wrong.Got != reflect.TypeOf(v) {
				t.Errorf("%s: %s = %v", name, verb, err)
			}
		}
	}
}

// TestUnsupportedTypeHasNoOffset checks that a T that the library cannot fill is not blamed on src.
func TestUnsupportedTypeHasNoOffset(t *testing.T) {
	t.Parallel()
	err := msgpack.Codec.Decode([]byte{0x01}, new(chan int))
	var format *codec.FormatError
	if err == nil || errors.As(err, &format) || !strings.Contains(err.Error(), "unsupported chan int") {
		t.Errorf("got %v", err)
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	var c codec.Codec = msgpack.Codec
	if got := c.ContentType(); got != "application/msgpack" {
		t.Errorf("got %q", got)
	}
}

func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	type message struct {
		Text  string
		Bytes []byte
		Any   any
		Map   map[string]string
	}
	want := message{"text", []byte("bytes"), []byte("any"), map[string]string{"key": "value"}}
	src, err := msgpack.Codec.Append(nil, &want)
	if err != nil {
		t.Fatal(err)
	}
	var got message
	before := string(src)
	if err := msgpack.Codec.Decode(src, &got); err != nil {
		t.Fatal(err)
	}
	if string(src) != before {
		t.Error("Decode changed src")
	}
	clear(src)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the value changed with src: %+v", got)
	}
}

func BenchmarkAppend(b *testing.B) {
	value, buf := &order{ID: 42, Lines: []string{"two pencils", "one notebook"}}, []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = msgpack.Codec.Append(buf[:0], value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	src, err := msgpack.Codec.Append(nil, &order{ID: 42, Lines: []string{"two pencils", "one notebook"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var value order
		if err := msgpack.Codec.Decode(src, &value); err != nil {
			b.Fatal(err)
		}
	}
}
