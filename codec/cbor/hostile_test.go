package cbor_test

import (
	"bytes"
	"errors"
	"io"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec/cbor"
	"github.com/fanfare-go/fanfare/testing/codectest"
	library "github.com/fxamacker/cbor/v2"
)

// everything has besides what this library knows.
type everything struct {
	codectest.Kinds
	List    []order
	Big     big.Int
	Pointer *everything
	Raw     library.RawMessage
	Tag     library.RawTag
	Tuple   struct {
		_    struct{} `cbor:",toarray"`
		A, B int
	}
}

// noOffset is for what is well-formed but not what T can hold, of which the error is the library's.
const noOffset = -1

func malformed(t *testing.T) map[string]codectest.Malformed {
	t.Helper()
	deep := func(n int) string { return strings.Repeat("81", n) }
	wrong := func(src string, into any, offset int64, text string) codectest.Malformed {
		return codectest.Malformed{Src: codectest.Hex(t, src), Into: into, Offset: offset, Error: text}
	}
	return map[string]codectest.Malformed{
		"empty":                 wrong("", new(any), 0, "unexpected EOF"),
		"left over":             wrong("820102 03", new(any), 3, "1 bytes of extraneous data"),
		"cut in a length":       wrong("1a0000", new(int), 3, "unexpected EOF"),
		"cut in text":           wrong("82016261", new(any), 4, "unexpected EOF"),
		"cut before break":      wrong("9f01", new(any), 2, "unexpected EOF"),
		"cut after a tag":       wrong("c0", new(any), 1, "unexpected EOF"),
		"reserved length":       wrong("82011c", new(any), 2, "invalid additional information 28"),
		"break alone":           wrong("8201ff", new(any), 2, `unexpected "break" code`),
		"break in a pair":       wrong("bf6161ff", new(any), 3, `unexpected "break" code`),
		"simple value":          wrong("81f810", new(any), 2, "invalid simple value 16"),
		"other type in a chunk": wrong("5f4101616101ff", new(any), 3, "wrong element type UTF-8 text string"),
		"huge array":            wrong("9bffffffffffffffff", new(any), 8, "too large"),
		"array of too many":     wrong("9a7fffffff", new([]everything), 4, "exceeded max number of elements 67108864"),
		"map of too many":       wrong("ba7fffffff", new(map[string]int), 4, "exceeded max number of key-value pairs 67108864"),
		"array that is not":     wrong("9a03ffffff", new([]everything), 5, "unexpected EOF"),
		"huge text":             wrong("7affffffff 61", new(string), 6, "unexpected EOF"),
		"huge bytes":            wrong("5affffffff 61", new([]byte), 6, "unexpected EOF"),
		"deep":                  wrong(deep(129)+"f6", new(any), 128, "exceeded max nested level 128"),
		"very deep":             wrong(deep(1<<20), new(any), 128, "exceeded max nested level 128"),
		"deep tags":             wrong(strings.Repeat("d9d9f7", 1<<10)+"01", new(any), 3*129+2, "exceeded max nested level 128"),
		"deep and skipped":      wrong("a1615a"+deep(1<<20), new(order), 3+127, "exceeded max nested level 128"),
		"deep and indefinite":   wrong(strings.Repeat("9f", 33), new(any), 32, "exceeded max nested level 32"),
		"deep around one":       wrong(deep(32)+"9fff", new(any), 32, "exceeded max nested level 32"),
		"too late":              wrong(strings.Repeat("01", 1<<16), new(int), 1, "65535 bytes of extraneous data"),

		"wrong type":          wrong("a1626964 6161", new(order), noOffset, "cannot unmarshal UTF-8 text string into Go struct field cbor_test.order.id"),
		"too large":           wrong("190100", new(int8), noOffset, "cannot unmarshal positive integer into Go value of type int8"),
		"key twice":           wrong("a2616101616102", new(map[string]int), noOffset, "found duplicate map key"),
		"key twice in any":    wrong("a2616101616102", new(any), noOffset, "found duplicate map key"),
		"key twice in struct": wrong("a262696401 62696402", new(order), noOffset, "found duplicate map key"),
		"unknown key twice":   wrong("a2615a01 615a02", new(order), noOffset, "found duplicate map key"),
		"not UTF-8":           wrong("61ff", new(string), noOffset, "invalid UTF-8 string"),
		"not UTF-8 in any":    wrong("8161ff", new(any), noOffset, "invalid UTF-8 string"),
		"key no map has":      wrong("a18001", new(any), noOffset, "invalid map key type"),
		"key no typed map":    wrong("a18001", new(map[any]int), noOffset, "invalid map key type"),
		"tag of another type": wrong("c001", new(any), noOffset, "tag number 0 must be followed by text string"),
		"not an error":        wrong("a1654572726f7201", new(everything), noOffset, "cannot unmarshal positive integer into Go struct field"),
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
		"array":     {codectest.Hex(t, "9a03ffffff"), new([]everything)},
		"map":       {codectest.Hex(t, "ba03ffffff"), new(map[string]string)},
		"any":       {codectest.Hex(t, "9a03ffffff"), new(any)},
		"one short": {append(codectest.Hex(t, "9a00010000"), make([]byte, 1<<16-1)...), new(any)},
		"nested":    {bytes.Repeat(codectest.Hex(t, "9a00ffffff"), 100), new(any)},
		"text":      {codectest.Hex(t, "7b0fffffffffffffff61"), new(string)},
	} {
		got, err := codectest.Allocates(cbor.Codec, tc.src, tc.v)
		if err == nil {
			t.Errorf("%s decodes to %v", name, reflect.ValueOf(tc.v).Elem())
		}
		if got > 64<<10 {
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
