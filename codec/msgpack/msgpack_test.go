package msgpack_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec/msgpack"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

type order struct {
	ID    int      `msgpack:"id"`
	Lines []string `msgpack:"lines"`
}

// TestCodec compares with the page of the format, whose example of a map is the first line, and with encodings made by hand from it.
func TestCodec(t *testing.T) {
	t.Parallel()
	value := func(v any, encoded string) codectest.Value {
		return codectest.Value{Value: v, Encoded: codectest.Hex(t, encoded)}
	}
	values := map[string]codectest.Value{
		"specification": value(&map[string]any{"compact": true, "schema": int8(0)}, "82 a7 636f6d70616374 c3 a6 736368656d61 00"),
		"struct":        value(&order{ID: 1, Lines: []string{"a"}}, "82 a2 6964 01 a5 6c696e6573 91 a1 61"),
		"nil":           value(new(*order), "c0"),
		"false":         value(new(false), "c2"),
		"fixint":        value(new(int64(127)), "7f"),
		"negative":      value(new(int64(-32)), "e0"),
		"int 8":         value(new(int64(-33)), "d0 df"),
		"uint 8":        value(new(uint64(128)), "cc 80"),
		"uint 16":       value(new(uint32(256)), "cd 0100"),
		"uint 32":       value(new(int64(65536)), "ce 00010000"),
		"uint 64":       value(new(uint64(math.MaxUint64)), "cf ffffffffffffffff"),
		"int 64":        value(new(int64(math.MinInt64)), "d3 8000000000000000"),
		"float 32":      value(new(float32(0.5)), "ca 3f000000"),
		"float 64":      value(new(0.5), "cb 3fe0000000000000"),
		"text":          value(new("größe"), "a7 6772c3b6c39f65"),
		"empty text":    value(new(""), "a0"),
		"str 8":         value(new(strings.Repeat("a", 32)), "d9 20"+strings.Repeat("61", 32)),
		"bin 8":         value(new([]byte{0, 255}), "c4 02 00ff"),
		"array 16":      value(new(make([]bool, 16)), "dc 0010"+strings.Repeat("c2", 16)),
		"timestamp 32":  value(new(time.Unix(1, 0)), "d6 ff 00000001"),
		"timestamp 64":  value(new(time.Unix(1, 1)), "d7 ff 0000000400000001"),
		"timestamp 96":  value(new(time.Unix(-1, 1)), "c7 0c ff 00000001 ffffffffffffffff"),
		"sorted":        value(&map[string]string{"b": "", "a": "", "c": ""}, "83 a161 a0 a162 a0 a163 a0"),
		"copied":        {Value: &map[string]any{"bytes": []byte("bytes"), "text": "text"}},
	}
	codectest.Run(t, msgpack.Codec, codectest.Cases{
		Name:       "msgpack",
		Values:     values,
		Refused:    map[string]codectest.Refused{"channel": {Value: &[]any{"fits", make(chan int)}, Error: "unsupported chan int"}},
		Malformed:  malformed(t),
		WrongTypes: codectest.NoPointers(),
	})
	if got := msgpack.Codec.ContentType(); got != "application/msgpack" {
		t.Errorf("content type %q", got)
	}
}

func Benchmark(b *testing.B) {
	codectest.Benchmark(b, msgpack.Codec, &order{ID: 42, Lines: []string{"two pencils", "one notebook"}})
}
