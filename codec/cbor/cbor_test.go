package cbor_test

import (
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/cbor"
	library "github.com/fxamacker/cbor/v2"
)

type order struct {
	ID    int      `cbor:"id"`
	Lines []string `cbor:"lines"`
}

// appendixA are examples of appendix A of RFC 8949 that are in the deterministic encoding.
var appendixA = []struct {
	value   any
	encoded string // in hexadecimal
}{
	{new(0), "00"},
	{new(23), "17"},
	{new(24), "1818"},
	{new(1000), "1903e8"},
	{new(1000000), "1a000f4240"},
	{new(uint64(math.MaxUint64)), "1bffffffffffffffff"},
	{new(*new(big.Int).Lsh(big.NewInt(1), 64)), "c249010000000000000000"},
	{new(-1), "20"},
	{new(-1000), "3903e7"},
	{new(0.0), "f90000"},
	{new(math.Copysign(0, -1)), "f98000"},
	{new(1.1), "fb3ff199999999999a"},
	{new(1.5), "f93e00"},
	{new(65504.0), "f97bff"},
	{new(100000.0), "fa47c35000"},
	{new(1.0e+300), "fb7e37e43c8800759c"},
	{new(5.960464477539063e-8), "f90001"},
	{new(math.Inf(1)), "f97c00"},
	{new(math.NaN()), "f97e00"},
	{new(false), "f4"},
	{new(true), "f5"},
	{new(*order), "f6"},
	{new(library.SimpleValue(255)), "f8ff"},
	{new(library.Tag{Number: 23, Content: []byte{1, 2, 3, 4}}), "d74401020304"},
	{new(time.Date(2013, 3, 21, 20, 4, 0, 0, time.UTC)), "c074323031332d30332d32315432303a30343a30305a"},
	{new([]byte{}), "40"},
	{new([]byte{1, 2, 3, 4}), "4401020304"},
	{new(""), "60"},
	{new("IETF"), "6449455446"},
	{new("\"\\"), "62225c"},
	{new("\u6c34"), "63e6b0b4"},
	{new("\U00010151"), "64f0908591"},
	{new([]int{}), "80"},
	{&[]any{1, []int{2, 3}, []int{4, 5}}, "8301820203820405"},
	{new([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25}),
		"98190102030405060708090a0b0c0d0e0f101112131415161718181819"},
	{new(map[string]int{}), "a0"},
	{&map[int]int{3: 4, 1: 2}, "a201020304"},
	{&map[string]any{"b": []int{2, 3}, "a": 1}, "a26161016162820203"},
	{&map[string]string{"e": "E", "d": "D", "c": "C", "b": "B", "a": "A"}, "a56161614161626142616361436164614461656145"},
}

func TestAppendixA(t *testing.T) {
	t.Parallel()
	for _, tc := range appendixA {
		t.Run(tc.encoded, func(t *testing.T) {
			t.Parallel()
			want := "head:" + string(unhex(t, tc.encoded))
			for _, dst := range [][]byte{append(make([]byte, 0, 256), "head:"...), []byte("head:")} {
				if got, err := cbor.Codec.Append(dst, tc.value); err != nil || string(got) != want {
					t.Errorf("%x, %v, want %x", got, err, want)
				}
			}
			decoded := reflect.New(reflect.TypeOf(tc.value).Elem())
			if err := cbor.Codec.Decode([]byte(want)[len("head:"):], decoded.Interface()); err != nil {
				t.Fatalf("it does not decode: %v", err)
			}
			if again, err := cbor.Codec.Append([]byte("head:"), decoded.Interface()); err != nil || string(again) != want {
				t.Errorf("decoded and encoded again: %x, %v, want %x", again, err, want)
			}
		})
	}
}

// TestOtherEncodings decodes examples of appendix A that are not deterministic.
func TestOtherEncodings(t *testing.T) {
	t.Parallel()
	for encoded, want := range map[string]any{
		"5f42010243030405ff":         []byte{1, 2, 3, 4, 5},
		"7f657374726561646d696e67ff": "streaming",
		"9fff":                       []any{},
		"9f018202039f0405ffff":       []any{uint64(1), []any{uint64(2), uint64(3)}, []any{uint64(4), uint64(5)}},
		"bf61610161629f0203ffff":     map[any]any{"a": uint64(1), "b": []any{uint64(2), uint64(3)}},
		"bf6346756ef563416d7421ff":   map[any]any{"Fun": true, "Amt": int64(-2)},
		"fa47c35000":                 100000.0,
		"fb7ff0000000000000":         math.Inf(1),
		"f7":                         nil,
		"1800":                       uint64(0),
		"c11a514b67b0":               time.Unix(1363896240, 0),
		"d9d9f78101":                 []any{uint64(1)},
		"c349010000000000000000":     *new(big.Int).Neg(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(1))),
		"826161bf61626163ff":         []any{"a", map[any]any{"b": "c"}},
		"d818456449455446":           library.Tag{Number: 24, Content: []byte("dIETF")},
	} {
		var got any
		if err := cbor.Codec.Decode(unhex(t, encoded), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v, want %#v", encoded, got, err, want)
		}
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

// TestTimeIsKept checks that a time keeps its nanoseconds and its offset, also where T does not ask for a time.
func TestTimeIsKept(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 2, 28, 23, 59, 59, 123456789, time.FixedZone("", 5400))
	src, err := cbor.Codec.Append(nil, &want)
	if err != nil {
		t.Fatal(err)
	}
	var typed time.Time
	var untyped any
	if err := errors.Join(cbor.Codec.Decode(src, &typed), cbor.Codec.Decode(src, &untyped)); err != nil {
		t.Fatal(err)
	}
	for _, got := range []any{typed, untyped} {
		if got, ok := got.(time.Time); !ok || got.Format(time.RFC3339Nano) != want.Format(time.RFC3339Nano) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestAppendErrorLeavesDst(t *testing.T) {
	t.Parallel()
	dst := []byte("head:")
	got, err := cbor.Codec.Append(dst, &[]any{"fits", make(chan int)})
	if err == nil || !strings.Contains(err.Error(), "unsupported type: chan int") {
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
		_, appendErr := cbor.Codec.Append(nil, v)
		for verb, err := range map[string]error{"Append": appendErr, "Decode": cbor.Codec.Decode([]byte{0xa0}, v)} {
			var wrong *codec.TypeError
			if !errors.As(err, &wrong) || wrong.Codec != "cbor" || wrong.Got != reflect.TypeOf(v) {
				t.Errorf("%s: %s = %v", name, verb, err)
			}
		}
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	var c codec.Codec = cbor.Codec
	if got := c.ContentType(); got != "application/cbor" {
		t.Errorf("got %q", got)
	}
}

func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	type message struct {
		Text  string
		Bytes []byte
		Any   any
		Raw   library.RawMessage
		Map   map[string]string
	}
	want := message{"text", []byte("bytes"), []byte("any"), library.RawMessage{0x61, 'a'}, map[string]string{"key": "value"}}
	src, err := cbor.Codec.Append(nil, &want)
	if err != nil {
		t.Fatal(err)
	}
	var got message
	before := string(src)
	if err := cbor.Codec.Decode(src, &got); err != nil {
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
		if buf, err = cbor.Codec.Append(buf[:0], value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	src, err := cbor.Codec.Append(nil, &order{ID: 42, Lines: []string{"two pencils", "one notebook"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var value order
		if err := cbor.Codec.Decode(src, &value); err != nil {
			b.Fatal(err)
		}
	}
}
