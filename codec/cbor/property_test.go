package cbor_test

import (
	"bytes"
	"errors"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/cbor"
	library "github.com/fxamacker/cbor/v2"
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
		return time.Unix(rapid.Int64Range(0, 1<<37).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
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
		src, err := cbor.Codec.Append(nil, &want)
		if err != nil {
			t.Fatal(err)
		}
		var got sample
		if err := cbor.Codec.Decode(src, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
		}
	})
}

// TestTruncated checks that every proper prefix of an encoding is an error that says where src ends.
func TestTruncated(t *testing.T) {
	t.Parallel()
	check := func(t interface{ Fatalf(string, ...any) }, src []byte, n int) {
		for _, v := range []any{new(sample), new(any)} {
			err := cbor.Codec.Decode(src[:n:n], v)
			var format *codec.FormatError
			if !errors.As(err, &format) || format.Offset != int64(n) {
				t.Fatalf("the first %d of %d bytes: %v", n, len(src), err)
			}
		}
	}
	for _, tc := range appendixA {
		src := unhex(t, tc.encoded)
		for n := range src {
			check(t, src, n)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		value := samples().Draw(t, "value")
		src, err := cbor.Codec.Append(nil, &value)
		if err != nil {
			t.Fatal(err)
		}
		check(t, src, rapid.IntRange(0, len(src)-1).Draw(t, "length"))
	})
}

// FuzzDecode checks that nothing makes Decode panic, that an offset is inside src, and that what decodes also encodes, to something
// that means the same: bytes are compared, because values may hold a NaN.
func FuzzDecode(f *testing.F) {
	for _, tc := range appendixA {
		f.Add(unhex(f, tc.encoded))
	}
	for _, src := range []string{
		"", "9f018202039f0405ffff", "bf61610161629f0203ffff", "5f42010243030405ff", "a163416e798201fb3ff199999999999a", "9bffffffffffffffff",
		"a16454696d65c11a514b67b0", "a167456e646c657373a16161a16161a0", "a1644b657973a18002", "818181811c", "a16352617783010203",
		"a1654572726f7201", "a1655475706c65820102", "a26161016161", "c11b7fffffffffffffff", "d9d9f7d9d9f701", "a1c24101c24101", "a1f97e0001",
	} {
		f.Add(unhex(f, src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, kind := range []reflect.Type{
			reflect.TypeFor[any](), reflect.TypeFor[everything](), reflect.TypeFor[endless](), reflect.TypeFor[[]any](),
			reflect.TypeFor[map[string]string](), reflect.TypeFor[map[any]any](), reflect.TypeFor[time.Time](), reflect.TypeFor[big.Int](),
		} {
			value := reflect.New(kind).Interface()
			if err := cbor.Codec.Decode(src, value); err != nil {
				var format *codec.FormatError
				if errors.As(err, &format) && (format.Offset < 0 || format.Offset > int64(len(src))) {
					t.Fatalf("%x as %v: %v", src, kind, err)
				}
				continue
			}
			checkSame(t, src, value)
		}
	})
}

func checkSame(t *testing.T, src []byte, value any) {
	t.Helper()
	encoded, err := cbor.Codec.Append(nil, value)
	_, late := errors.AsType[*library.UnsupportedValueError](err) // a time after the year 9999
	_, raw := errors.AsType[*library.MarshalerError](err)         // a RawMessage of indefinite length
	if late || raw {
		return
	}
	if err != nil {
		t.Fatalf("%x decodes to %v, which does not encode: %v", src, value, err)
	}
	same := reflect.New(reflect.TypeOf(value).Elem()).Interface()
	if err := cbor.Codec.Decode(encoded, same); err != nil {
		t.Fatalf("%x became %x, which does not decode: %v", src, encoded, err)
	}
	if again, err := cbor.Codec.Append(nil, same); err != nil || !bytes.Equal(again, encoded) {
		t.Fatalf("%x became %x, then %x, %v", src, encoded, again, err)
	}
}
