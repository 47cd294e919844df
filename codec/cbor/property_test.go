package cbor_test

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec/cbor"
	"github.com/fanfare-go/fanfare/testing/codectest"
	library "github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

// TestContractOfAnyValue checks the rules of all codecs, also where T does not say what to expect.
func TestContractOfAnyValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.Make[codectest.Sample]().Draw(t, "value")
		seconds, nanoseconds := rapid.Int64Range(0, 1<<37).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")
		encoded, err := cbor.Codec.Append(nil, &typed)
		var untyped any
		if err := errors.Join(err, cbor.Codec.Decode(encoded, &untyped)); err != nil {
			t.Fatal(err)
		}
		if err := codectest.Check(cbor.Codec, codectest.Cases{
			Values: map[string]codectest.Value{
				"typed": {Value: &typed, Encoded: encoded}, "untyped": {Value: &untyped}, "time": {Value: new(time.Unix(seconds, nanoseconds).UTC())},
			},
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDecode checks what Decode makes of any bytes, for every T that the library reads in a way of its own.
func FuzzDecode(f *testing.F) {
	var seeds [][]byte
	for _, tc := range appendixA {
		seeds = append(seeds, codectest.Hex(f, tc.encoded))
	}
	for _, src := range []string{
		"", "f97e00", "9f018202039f0405ffff", "bf61610161629f0203ffff", "5f42010243030405ff", "a163416e798201fb3ff199999999999a", "9bffffffffffffffff",
		"a16454696d65c11a514b67b0", "a167456e646c657373a16161a16161a0", "a1644b657973a18002", "818181811c", "a16352617783010203",
		"a1654572726f7201", "a1655475706c65820102", "a26161016161", "c11b7fffffffffffffff", "d9d9f7d9d9f701", "a1c24101c24101", "a1f97e0001",
	} {
		seeds = append(seeds, codectest.Hex(f, src))
	}
	codectest.Fuzz(f, cbor.Codec, []any{
		new(any), new(everything), new(codectest.Endless), new([]any), new(map[string]string), new(map[any]any), new(time.Time), new(big.Int),
	}, seeds, &codectest.FuzzOptions{MayRefuse: func(err error) bool {
		_, late := errors.AsType[*library.UnsupportedValueError](err) // a time after the year 9999
		_, raw := errors.AsType[*library.MarshalerError](err)         // a RawMessage of indefinite length
		return late || raw
	}})
}
