package msgpack_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec/msgpack"
	"github.com/fanfare-go/fanfare/testing/codectest"
	library "github.com/vmihailenco/msgpack/v5"
)

// everything has besides what this library knows.
type everything struct {
	codectest.Kinds
	List    []order
	Pointer *everything
	Raw     library.RawMessage
	Tuple   struct {
		_msgpack struct{} `msgpack:",as_array"`
		A, B     int
	}
}

func malformed(t *testing.T) map[string]codectest.Malformed {
	t.Helper()
	deep := func(n int) string { return strings.Repeat("91", n) }
	wrong := func(src string, into any, offset int64, text string) codectest.Malformed {
		return codectest.Malformed{Src: codectest.Hex(t, src), Into: into, Offset: offset, Error: text}
	}
	return map[string]codectest.Malformed{
		"empty":               wrong("", new(any), 0, "unexpected EOF"),
		"left over":           wrong("01 02", new(any), 1, "bytes are left over"),
		"unused code":         wrong("92 01 c1", new(any), 2, "the code 0xc1 is never used"),
		"cut in a length":     wrong("da 00", new(any), 2, "unexpected EOF"),
		"cut in text":         wrong("a3 6162", new(any), 3, "unexpected EOF"),
		"cut in an extension": wrong("c7 01", new(any), 2, "unexpected EOF"),
		"huge array":          wrong("dd ffffffff", new(any), 5, "unexpected EOF"),
		"huge array of T":     wrong("dd ffffffff", new([]everything), 5, "unexpected EOF"),
		"huge map":            wrong("df ffffffff", new(map[string]any), 5, "unexpected EOF"),
		"huge text":           wrong("db ffffffff 61", new(string), 6, "unexpected EOF"),
		"huge bytes":          wrong("c6 ffffffff 61", new([]byte), 6, "unexpected EOF"),
		"deep":                wrong(deep(129)+"c0", new(any), 128, "nested more than 128 deep"),
		"very deep":           wrong(deep(1<<20), new(any), 128, "nested more than 128 deep"),
		"deep and skipped":    wrong("81 a15a"+deep(1<<20), new(order), 3+127, "nested more than 128 deep"),
		"wrong type":          wrong("82 a26964 01 a56c696e6573 91 02", new(order), 12, "invalid code=2 decoding string"),
		"wrong type of field": wrong("81 a26964 a161", new(order), 4, "invalid code=a1 decoding int64"),
		"key of a map":        wrong("81 01 02", new(any), 1, "invalid code=1 decoding string"),
		"key no map has":      wrong("81 90 02", new(map[any]int), 2, "an array or a map is the key of a map"),
		"no error":            wrong("81 a5 4572726f72 01", new(everything), 7, "reflect.Set: value of type int8 is not assignable to type error"),
		"array too long":      wrong("93 01 02 03", new([2]int), 0, "len is 2, but msgpack has 3"),
		"unknown extension":   wrong("d4 05 00", new(any), 0, "unknown ext id=5"),
		"reserved extension":  wrong("91 d4 80 00", new(any), 2, "the extension type is reserved"),
		"bad timestamp":       wrong("c7 03 ff 000000", new(any), 0, "invalid ext len=3 decoding time"),
		// The library takes the data of these extensions for the heads of maps: of 2^32-1 pairs, or of one that holds the next.
		"extension as map":   wrong("c7 05 01 df ffffffff", new(map[string]any), 0, "the data of an extension is not read as items"),
		"fixext as map":      wrong("d8 01 df ffffffff"+strings.Repeat("00", 11), new(codectest.Endless), 0, "the data of an extension"),
		"timestamp as map":   wrong("d6 ff df ffffff", new(map[string]string), 0, "the data of an extension"),
		"extension in a map": wrong("81 a161 c9 00000002 01 81 a1", new(codectest.Endless), 3, "the data of an extension"),
		// A T that the library cannot fill is not blamed on src.
		"unsupported type": wrong("01", new(chan int), -1, "unsupported chan int"),
	}
}

func TestDeepestIsDecoded(t *testing.T) {
	t.Parallel()
	src := append(bytes.Repeat([]byte{0x91}, 128), 0x07)
	var value any
	if err := msgpack.Codec.Decode(src, &value); err != nil {
		t.Fatal(err)
	}
	if again, err := msgpack.Codec.Append(nil, &value); err != nil || !bytes.Equal(again, src) {
		t.Errorf("got % x, %v", again, err)
	}
}

// TestAllocations checks that what a few bytes can make Decode allocate is in proportion. Without a check the first would ask for
// 64 GB, and the ones that are one element short for as much as their bytes allow.
func TestAllocations(t *testing.T) { // not parallel: it reads the counters of the whole process
	short := append([]byte{0xdd, 0, 1, 0, 0}, make([]byte, 1<<16-1)...)
	for name, tc := range map[string]struct {
		src []byte
		v   any
	}{
		"array":            {codectest.Hex(t, "dd ffffffff"), new(any)},
		"map":              {codectest.Hex(t, "df ffffffff"), new(map[string]string)},
		"extension as map": {codectest.Hex(t, "c7 05 01 df ffffffff"), new(map[string]any)},
		"one short":        {short, new(any)},
		"nested":           {bytes.Repeat(codectest.Hex(t, "dd 00ffffff"), 100), new(any)},
	} {
		got, err := codectest.Allocates(msgpack.Codec, tc.src, tc.v)
		if err == nil {
			t.Errorf("%s decodes to %v", name, reflect.ValueOf(tc.v).Elem())
		}
		if got > 64<<10 {
			t.Errorf("%s: %d bytes made it allocate %d", name, len(tc.src), got)
		}
	}
}

// TestExtension checks that extensions of the program get through the reader.
func TestExtension(t *testing.T) {
	t.Parallel()
	library.RegisterExt(7, (*point)(nil))
	for name, want := range map[string]any{"typed": &point{1, 2}, "in any": &[]any{&point{3, 4}, "after"}} {
		src, err := msgpack.Codec.Append(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(want).Elem()).Interface()
		if err := msgpack.Codec.Decode(src, got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, want)
		}
	}
}

type point struct{ x, y byte }

func (p *point) MarshalMsgpack() ([]byte, error) { return []byte{p.x, p.y}, nil }

func (p *point) UnmarshalMsgpack(b []byte) error {
	if len(b) != 2 {
		return errors.New("a point has two bytes")
	}
	p.x, p.y = b[0], b[1]
	return nil
}

// TestExtensionThatReadsTooMuch checks that the decoder of an extension does not get at the items after it, nor leaves data to be
// read as an item.
func TestExtensionThatReadsTooMuch(t *testing.T) {
	t.Parallel()
	type extension struct {
		id    int8
		reads int
		want  string
	}
	for name, tc := range map[string]extension{
		"too much":   {8, 3, "unexpected EOF"},
		"too little": {9, 1, "the data of an extension is not read as items"},
	} {
		library.RegisterExtDecoder(tc.id, pair{byte(tc.id)}, func(dec *library.Decoder, _ reflect.Value, _ int) error {
			return dec.ReadFull(make([]byte, tc.reads))
		})
		src := []byte{0x93, 0xd5, byte(tc.id), 1, 2, 3, 4}
		if err := msgpack.Codec.Decode(src, new(any)); err == nil || err.Error() != "at byte 1: "+tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

type pair struct{ id byte }
