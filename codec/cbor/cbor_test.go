package cbor_test

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec/cbor"
	"github.com/fanfare-go/fanfare/testing/codectest"
	library "github.com/fxamacker/cbor/v2"
)

type order struct {
	ID    int      `cbor:"id"`
	Lines []string `cbor:"lines"`
}

// appendixA are examples of appendix A of RFC 8949 that are in the deterministic encoding, without NaN, which no value equals.
var appendixA = []struct {
	value   any
	encoded string // in hexadecimal
	decoded any    // nil where that is the value
}{
	{new(0), "00", nil},
	{new(23), "17", nil},
	{new(24), "1818", nil},
	{new(1000), "1903e8", nil},
	{new(1000000), "1a000f4240", nil},
	{new(uint64(math.MaxUint64)), "1bffffffffffffffff", nil},
	{new(*new(big.Int).Lsh(big.NewInt(1), 64)), "c249010000000000000000", nil},
	{new(-1), "20", nil},
	{new(-1000), "3903e7", nil},
	{new(0.0), "f90000", nil},
	{new(math.Copysign(0, -1)), "f98000", nil},
	{new(1.1), "fb3ff199999999999a", nil},
	{new(1.5), "f93e00", nil},
	{new(65504.0), "f97bff", nil},
	{new(100000.0), "fa47c35000", nil},
	{new(1.0e+300), "fb7e37e43c8800759c", nil},
	{new(5.960464477539063e-8), "f90001", nil},
	{new(math.Inf(1)), "f97c00", nil},
	{new(false), "f4", nil},
	{new(true), "f5", nil},
	{new(*order), "f6", nil},
	{new(library.SimpleValue(255)), "f8ff", nil},
	{new(library.Tag{Number: 23, Content: []byte{1, 2, 3, 4}}), "d74401020304", nil},
	{new(time.Date(2013, 3, 21, 20, 4, 0, 0, time.UTC)), "c074323031332d30332d32315432303a30343a30305a", nil},
	{new([]byte{}), "40", nil},
	{new([]byte{1, 2, 3, 4}), "4401020304", nil},
	{new(""), "60", nil},
	{new("IETF"), "6449455446", nil},
	{new("\"\\"), "62225c", nil},
	{new("\u6c34"), "63e6b0b4", nil},
	{new("\U00010151"), "64f0908591", nil},
	{new([]int{}), "80", nil},
	{&[]any{1, []int{2, 3}, []int{4, 5}}, "8301820203820405",
		&[]any{uint64(1), []any{uint64(2), uint64(3)}, []any{uint64(4), uint64(5)}}},
	{new([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25}),
		"98190102030405060708090a0b0c0d0e0f101112131415161718181819", nil},
	{new(map[string]int{}), "a0", nil},
	{&map[int]int{3: 4, 1: 2}, "a201020304", nil},
	{&map[string]any{"b": []int{2, 3}, "a": 1}, "a26161016162820203",
		&map[string]any{"a": uint64(1), "b": []any{uint64(2), uint64(3)}}},
	{&map[string]string{"e": "E", "d": "D", "c": "C", "b": "B", "a": "A"}, "a56161614161626142616361436164614461656145", nil},
}

func TestCodec(t *testing.T) {
	t.Parallel()
	values := map[string]codectest.Value{
		"copied":     {Value: &map[string]any{"text": "text", "bytes": []byte("bytes")}},
		"copied raw": {Value: &library.RawMessage{0x61, 'a'}},
	}
	for _, tc := range appendixA {
		values[tc.encoded] = codectest.Value{Value: tc.value, Encoded: codectest.Hex(t, tc.encoded), Decoded: tc.decoded}
	}
	codectest.Run(t, cbor.Codec, codectest.Cases{
		Name:       "cbor",
		Values:     values,
		Refused:    map[string]codectest.Refused{"channel": {Value: &[]any{"fits", make(chan int)}, Error: "unsupported type: chan int"}},
		Malformed:  malformed(t),
		WrongTypes: codectest.NoPointers(),
	})
	if got := cbor.Codec.ContentType(); got != "application/cbor" {
		t.Errorf("content type %q", got)
	}
}

func TestNaN(t *testing.T) {
	t.Parallel()
	encoded, err := cbor.Codec.Append(nil, new(math.NaN()))
	var got float64
	if err := errors.Join(err, cbor.Codec.Decode(encoded, &got)); err != nil || string(encoded) != "\xf9\x7e\x00" || !math.IsNaN(got) {
		t.Errorf("NaN became %x, and then %v, %v", encoded, got, err)
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
		if err := cbor.Codec.Decode(codectest.Hex(t, encoded), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v, want %#v", encoded, got, err, want)
		}
	}
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

func Benchmark(b *testing.B) {
	codectest.Benchmark(b, cbor.Codec, &order{ID: 42, Lines: []string{"two pencils", "one notebook"}})
}
