package msgpack_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec/msgpack"
	"github.com/fanfare-go/fanfare/testing/codectest"
	"pgregory.net/rapid"
)

// TestContractOfAnyValue checks the rules of all codecs.
func TestContractOfAnyValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		values := map[string]codectest.Value{"drawn": {Value: new(rapid.Make[codectest.Sample]().Draw(t, "value"))}, "time": {Value: &at}}
		if err := codectest.Check(msgpack.Codec, codectest.Cases{Values: values}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDecode checks what Decode makes of any bytes, for every T that the library reads in a way of its own.
func FuzzDecode(f *testing.F) {
	var seeds [][]byte
	for _, src := range []string{
		"", "c0", "82 a7 636f6d70616374 c3 a6 736368656d61 00", "81 a3 416e79 92 01 cb 3fe0000000000000",
		"81 a4 54696d65 d6ff00000001", "81 a7 456e646c657373 81 a161 81 a161 80", "81 a4 4b657973 81 90 02",
		"dd ffffffff", "df ffffffff", "c7 05 01 df ffffffff", "81 a7 456e646c657373 d4 01 81", "91 91 91 91 c1",
		"81 a3 526177 93 01 02 03", "81 a5 4572726f72 a3 626164", "81 a5 4572726f72 01", "81 a5 5475706c65 92 01 02", "81 a3 4d6170 81 a161 c7 00 01",
		"82 cc 30 30 30 30",
	} {
		seeds = append(seeds, codectest.Hex(f, src))
	}
	codectest.Fuzz(f, msgpack.Codec, []any{
		new(any), new(everything), new(codectest.Endless), new([]any), new(map[string]string), new(map[any]any), new(time.Time),
	}, seeds, &codectest.FuzzOptions{Placed: true, Equal: sameEncoding})
}

// sameEncoding reports whether the encodings of two values are the same. Bytes can be compared where values hold a NaN; the order of maps whose
// keys are not strings differs, so of those the length is compared, and only the second time: keys such as int8(1) and uint8(1), which Go tells
// apart, have one encoding and become one key.
func sameEncoding(got, want any) bool {
	first, err := msgpack.Codec.Append(nil, want)
	second, err2 := msgpack.Codec.Append(nil, got)
	same := reflect.New(reflect.TypeOf(want).Elem()).Interface()
	err3 := msgpack.Codec.Decode(second, same)
	third, err4 := msgpack.Codec.Append(nil, same)
	if errors.Join(err, err2, err3, err4) != nil || len(third) != len(second) || len(second) > len(first) {
		return false
	}
	_, plain := want.(*any)
	return !plain || bytes.Equal(second, first)
}
