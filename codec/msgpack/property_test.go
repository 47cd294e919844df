package msgpack_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/msgpack"
	"pgregory.net/rapid"
)

type sample struct {
	Int     int64
	Small   int8
	Uint    uint64
	Float   float64
	Single  float32
	Text    string
	Bytes   []byte
	Flags   []bool
	Of      map[string][]uint16
	ByID    map[int32]string
	At      time.Time
	Next    *sample
	Missing *int
}

func samples() *rapid.Generator[sample] {
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
	})
	one := rapid.Custom(func(t *rapid.T) sample {
		return sample{
			Int: rapid.Int64().Draw(t, "int"), Small: rapid.Int8().Draw(t, "small"), Uint: rapid.Uint64().Draw(t, "uint"),
			Float: rapid.Float64().Draw(t, "float"), Single: rapid.Float32().Draw(t, "single"), Text: rapid.String().Draw(t, "text"),
			Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"), Flags: rapid.SliceOf(rapid.Bool()).Draw(t, "flags"),
			Of:   rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.Uint16())).Draw(t, "of"),
			ByID: rapid.MapOf(rapid.Int32(), rapid.String()).Draw(t, "by id"), At: at.Draw(t, "at"),
		}
	})
	return rapid.Custom(func(t *rapid.T) sample {
		s := one.Draw(t, "outer")
		if rapid.Bool().Draw(t, "nested") {
			s.Next = new(one.Draw(t, "inner"))
		}
		return s
	})
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := samples().Draw(t, "value")
		src, err := msgpack.Codec.Append(nil, &want)
		if err != nil {
			t.Fatal(err)
		}
		var got sample
		if err := msgpack.Codec.Decode(src, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
		}
	})
}

// TestTruncated checks that every proper prefix of an encoding is an error that says where src ends.
func TestTruncated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := samples().Draw(t, "value")
		src, err := msgpack.Codec.Append(nil, &value)
		if err != nil {
			t.Fatal(err)
		}
		for n := range src {
			for _, v := range []any{new(sample), new(any)} {
				err := msgpack.Codec.Decode(src[:n:n], v)
				var format *codec.FormatError
				if !errors.As(err, &format) || format.Offset != int64(n) {
					t.Fatalf("the first %d of %d bytes: %v", n, len(src), err)
				}
			}
		}
	})
}

// FuzzDecode checks that nothing makes Decode panic, that the offset of an error is inside src, and that what decodes also encodes, to
// something that means the same.
func FuzzDecode(f *testing.F) {
	for _, src := range []string{
		"", "c0", "82 a7 636f6d70616374 c3 a6 736368656d61 00", "81 a3 416e79 92 01 cb 3fe0000000000000",
		"81 a4 54696d65 d6ff00000001", "81 a7 456e646c657373 81 a161 81 a161 80", "81 a4 4b657973 81 90 02",
		"dd ffffffff", "df ffffffff", "c7 05 01 df ffffffff", "81 a7 456e646c657373 d4 01 81", "91 91 91 91 c1",
		"81 a3 526177 93 01 02 03", "81 a5 4572726f72 a3 626164", "81 a5 4572726f72 01", "81 a5 5475706c65 92 01 02", "81 a3 4d6170 81 a161 c7 00 01",
		"82 cc 30 30 30 30",
	} {
		f.Add(unhex(f, src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, kind := range []reflect.Type{
			reflect.TypeFor[any](), reflect.TypeFor[everything](), reflect.TypeFor[endless](), reflect.TypeFor[[]any](),
			reflect.TypeFor[map[string]string](), reflect.TypeFor[map[any]any](), reflect.TypeFor[time.Time](),
		} {
			value := reflect.New(kind).Interface()
			if err := msgpack.Codec.Decode(src, value); err != nil {
				var format *codec.FormatError
				if !errors.As(err, &format) || format.Offset < 0 || format.Offset > int64(len(src)) {
					t.Fatalf("% x as %v: %v", src, kind, err)
				}
				continue
			}
			checkSame(t, src, value)
		}
	})
}

// checkSame checks that value encodes, and that decoding and encoding this again gives the same bytes. Bytes can be compared where
// values hold a NaN; the order of maps whose keys are not strings differs, so of those the length is compared, and only the second time:
// keys such as int8(1) and uint8(1), which Go tells apart, have one encoding and become one key.
func checkSame(t *testing.T, src []byte, value any) {
	t.Helper()
	encoded, err := msgpack.Codec.Append(nil, value)
	if err != nil {
		t.Fatalf("% x decodes to %v, which does not encode: %v", src, value, err)
	}
	again := recoded(t, encoded, value)
	if third := recoded(t, again, value); len(third) != len(again) || len(again) > len(encoded) {
		t.Fatalf("% x became % x, then % x, then % x", src, encoded, again, third)
	}
	if _, plain := value.(*any); plain && !bytes.Equal(again, encoded) {
		t.Fatalf("% x became % x, then % x", src, encoded, again)
	}
}

// recoded decodes src into another value of the type of value, and returns the encoding of that.
func recoded(t *testing.T, src []byte, value any) []byte {
	t.Helper()
	same := reflect.New(reflect.TypeOf(value).Elem()).Interface()
	if err := msgpack.Codec.Decode(src, same); err != nil {
		t.Fatalf("% x, which was encoded, does not decode: %v", src, err)
	}
	encoded, err := msgpack.Codec.Append(nil, same)
	if err != nil {
		t.Fatalf("% x decodes to %v, which does not encode: %v", src, same, err)
	}
	return encoded
}
