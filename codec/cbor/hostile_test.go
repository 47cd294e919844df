package cbor_test

import (
	"bytes"
	"errors"
	"io"
	"math/big"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/cbor"
	library "github.com/fxamacker/cbor/v2"
)

// endless can be nested without end.
type endless map[string]endless

// Values of every kind that the library reads in a way of its own.
type everything struct {
	Any     any
	Map     map[string]any
	Keys    map[any]int
	Ints    map[int]int8
	Endless endless
	Texts   []string
	List    []order
	Array   [2]uint16
	Bytes   []byte
	Octets  [3]byte
	Text    string
	Bool    bool
	Float   float32
	Double  float64
	Time    time.Time
	Wait    time.Duration
	Big     big.Int
	Pointer *everything
	Raw     library.RawMessage
	Tag     library.RawTag
	Error   error
	Tuple   struct {
		_    struct{} `cbor:",toarray"`
		A, B int
	}
}

func TestDecodeErrorsHaveAnOffset(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("81", n) }
	for name, tc := range map[string]struct {
		src    string
		v      any
		offset int64
		want   string
	}{
		"empty":                 {"", new(any), 0, "unexpected EOF"},
		"left over":             {"820102 03", new(any), 3, "1 bytes of extraneous data"},
		"cut in a length":       {"1a0000", new(int), 3, "unexpected EOF"},
		"cut in text":           {"82016261", new(any), 4, "unexpected EOF"},
		"cut before break":      {"9f01", new(any), 2, "unexpected EOF"},
		"cut after a tag":       {"c0", new(any), 1, "unexpected EOF"},
		"reserved length":       {"82011c", new(any), 2, "invalid additional information 28"},
		"break alone":           {"8201ff", new(any), 2, `unexpected "break" code`},
		"break in a pair":       {"bf6161ff", new(any), 3, `unexpected "break" code`},
		"simple value":          {"81f810", new(any), 2, "invalid simple value 16"},
		"other type in a chunk": {"5f4101616101ff", new(any), 3, "wrong element type UTF-8 text string"},
		"huge array":            {"9bffffffffffffffff", new(any), 8, "too large"},
		"array of too many":     {"9a7fffffff", new([]everything), 4, "exceeded max number of elements 67108864"},
		"map of too many":       {"ba7fffffff", new(map[string]int), 4, "exceeded max number of key-value pairs 67108864"},
		"array that is not":     {"9a03ffffff", new([]everything), 5, "unexpected EOF"},
		"huge text":             {"7affffffff 61", new(string), 6, "unexpected EOF"},
		"huge bytes":            {"5affffffff 61", new([]byte), 6, "unexpected EOF"},
		"deep":                  {deep(129) + "f6", new(any), 128, "exceeded max nested level 128"},
		"very deep":             {deep(1 << 20), new(any), 128, "exceeded max nested level 128"},
		"deep tags":             {strings.Repeat("d9d9f7", 1<<10) + "01", new(any), 3*129 + 2, "exceeded max nested level 128"},
		"deep and skipped":      {"a1615a" + deep(1<<20), new(order), 3 + 127, "exceeded max nested level 128"},
		"deep and indefinite":   {strings.Repeat("9f", 33), new(any), 32, "exceeded max nested level 32"},
		"deep around one":       {deep(32) + "9fff", new(any), 32, "exceeded max nested level 32"},
		"too late":              {strings.Repeat("01", 1<<16), new(int), 1, "65535 bytes of extraneous data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := cbor.Codec.Decode(unhex(t, tc.src), tc.v)
			var format *codec.FormatError
			if !errors.As(err, &format) || format.Offset != tc.offset || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q at byte %d", err, tc.want, tc.offset)
			}
		})
	}
}

// TestDecodeErrorsOfTheLibrary checks what is well-formed but not what T can hold.
func TestDecodeErrorsOfTheLibrary(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		src  string
		v    any
		want string
	}{
		"wrong type":          {"a1626964 6161", new(order), "cannot unmarshal UTF-8 text string into Go struct field cbor_test.order.id"},
		"too large":           {"190100", new(int8), "cannot unmarshal positive integer into Go value of type int8"},
		"key twice":           {"a2616101616102", new(map[string]int), "found duplicate map key"},
		"key twice in any":    {"a2616101616102", new(any), "found duplicate map key"},
		"key twice in struct": {"a262696401 62696402", new(order), "found duplicate map key"},
		"unknown key twice":   {"a2615a01 615a02", new(order), "found duplicate map key"},
		"not UTF-8":           {"61ff", new(string), "invalid UTF-8 string"},
		"not UTF-8 in any":    {"8161ff", new(any), "invalid UTF-8 string"},
		"key no map has":      {"a18001", new(any), "invalid map key type"},
		"key no typed map":    {"a18001", new(map[any]int), "invalid map key type"},
		"tag of another type": {"c001", new(any), "tag number 0 must be followed by text string"},
		"not an error":        {"a1654572726f7201", new(everything), "cannot unmarshal positive integer into Go struct field"},
	} {
		err := cbor.Codec.Decode(unhex(t, tc.src), tc.v)
		var format *codec.FormatError
		if err == nil || errors.As(err, &format) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q without an offset", name, err, tc.want)
		}
	}
}

func TestCutShortIsUnexpectedEOF(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "\x82\x01"} {
		if err := cbor.Codec.Decode([]byte(src), new(any)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("decoding %x: %v", src, err)
		}
	}
}

func TestDeepestIsDecoded(t *testing.T) {
	t.Parallel()
	indefinite := append(append(bytes.Repeat([]byte{0x9f}, 32), 0x07), bytes.Repeat([]byte{0xff}, 32)...)
	for depth, src := range map[int][]byte{128: append(bytes.Repeat([]byte{0x81}, 128), 0x07), 32: indefinite} {
		var value any
		if err := cbor.Codec.Decode(src, &value); err != nil {
			t.Fatal(err)
		}
		want := append(bytes.Repeat([]byte{0x81}, depth), 0x07)
		if again, err := cbor.Codec.Append(nil, &value); err != nil || !bytes.Equal(again, want) {
			t.Errorf("got %x, %v", again, err)
		}
	}
}

// TestAllocations checks that lengths that are not true allocate nothing.
func TestAllocations(t *testing.T) { // not parallel: it reads the counters of the whole process
	for name, tc := range map[string]struct {
		src []byte
		v   any
	}{
		"array":     {unhex(t, "9a03ffffff"), new([]everything)},
		"map":       {unhex(t, "ba03ffffff"), new(map[string]string)},
		"any":       {unhex(t, "9a03ffffff"), new(any)},
		"one short": {append(unhex(t, "9a00010000"), make([]byte, 1<<16-1)...), new(any)},
		"nested":    {bytes.Repeat(unhex(t, "9a00ffffff"), 100), new(any)},
		"text":      {unhex(t, "7b0fffffffffffffff61"), new(string)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := cbor.Codec.Decode(tc.src, tc.v)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s decodes to %v", name, reflect.ValueOf(tc.v).Elem())
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
			t.Errorf("%s: %d bytes made it allocate %d", name, len(tc.src), got)
		}
	}
}

// BenchmarkHostile decodes 1 MiB of what takes the library longest: it counts the elements of an array of unknown length before it
// reads them, once for each array around them. The other is as long and not nested; the third is wrong at its end, which is searched.
func BenchmarkHostile(b *testing.B) {
	flat := append(append([]byte{0x9f}, make([]byte, 1<<20)...), 0xff)
	nested := append(append(bytes.Repeat([]byte{0x9f}, 32), make([]byte, 1<<20)...), bytes.Repeat([]byte{0xff}, 32)...)
	late := append(append([]byte{0x9f}, make([]byte, 1<<20)...), 0x1c)
	for name, src := range map[string][]byte{"flat": flat, "nested": nested, "wrong late": late} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if err := cbor.Codec.Decode(src, new(any)); (err != nil) != (name == "wrong late") {
					b.Fatal(err)
				}
			}
		})
	}
}
