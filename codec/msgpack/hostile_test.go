package msgpack_test

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/msgpack"
	library "github.com/vmihailenco/msgpack/v5"
)

// endless can be nested without end.
type endless map[string]endless

// Values of every kind that the library reads in a way of its own.
type everything struct {
	Any     any
	Map     map[string]any
	Strings map[string]string
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
	Pointer *everything
	Raw     library.RawMessage
	Error   error
	Tuple   struct {
		_msgpack struct{} `msgpack:",as_array"`
		A, B     int
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("91", n) }
	for name, tc := range map[string]struct {
		src    string
		v      any
		offset int64
		want   string
	}{
		"empty":               {"", new(any), 0, "unexpected EOF"},
		"left over":           {"01 02", new(any), 1, "bytes are left over"},
		"unused code":         {"92 01 c1", new(any), 2, "the code 0xc1 is never used"},
		"cut in a length":     {"da 00", new(any), 2, "unexpected EOF"},
		"cut in text":         {"a3 6162", new(any), 3, "unexpected EOF"},
		"cut in an extension": {"c7 01", new(any), 2, "unexpected EOF"},
		"huge array":          {"dd ffffffff", new(any), 5, "unexpected EOF"},
		"huge array of T":     {"dd ffffffff", new([]everything), 5, "unexpected EOF"},
		"huge map":            {"df ffffffff", new(map[string]any), 5, "unexpected EOF"},
		"huge text":           {"db ffffffff 61", new(string), 6, "unexpected EOF"},
		"huge bytes":          {"c6 ffffffff 61", new([]byte), 6, "unexpected EOF"},
		"deep":                {deep(129) + "c0", new(any), 128, "nested more than 128 deep"},
		"very deep":           {deep(1 << 20), new(any), 128, "nested more than 128 deep"},
		"deep and skipped":    {"81 a15a" + deep(1<<20), new(order), 3 + 127, "nested more than 128 deep"},
		"wrong type":          {"82 a26964 01 a56c696e6573 91 02", new(order), 12, "invalid code=2 decoding string"},
		"wrong type of field": {"81 a26964 a161", new(order), 4, "invalid code=a1 decoding int64"},
		"key of a map":        {"81 01 02", new(any), 1, "invalid code=1 decoding string"},
		"key no map has":      {"81 90 02", new(map[any]int), 2, "an array or a map is the key of a map"},
		"no error":            {"81 a5 4572726f72 01", new(everything), 7, "reflect.Set: value of type int8 is not assignable to type error"},
		"array too long":      {"93 01 02 03", new([2]int), 0, "len is 2, but msgpack has 3"},
		"unknown extension":   {"d4 05 00", new(any), 0, "unknown ext id=5"},
		"reserved extension":  {"91 d4 80 00", new(any), 2, "the extension type is reserved"},
		"bad timestamp":       {"c7 03 ff 000000", new(any), 0, "invalid ext len=3 decoding time"},
		// The library takes the data of these extensions for the heads of maps: of 2^32-1 pairs, or of one that holds the next.
		"extension as map":   {"c7 05 01 df ffffffff", new(map[string]any), 0, "the data of an extension is not read as items"},
		"fixext as map":      {"d8 01 df ffffffff" + strings.Repeat("00", 11), new(endless), 0, "the data of an extension"},
		"timestamp as map":   {"d6 ff df ffffff", new(map[string]string), 0, "the data of an extension"},
		"extension in a map": {"81 a161 c9 00000002 01 81 a1", new(endless), 3, "the data of an extension"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := msgpack.Codec.Decode(unhex(t, tc.src), tc.v)
			var format *codec.FormatError
			if !errors.As(err, &format) || format.Offset != tc.offset || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q at byte %d", err, tc.want, tc.offset)
			}
		})
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
		"array":            {unhex(t, "dd ffffffff"), new(any)},
		"map":              {unhex(t, "df ffffffff"), new(map[string]string)},
		"extension as map": {unhex(t, "c7 05 01 df ffffffff"), new(map[string]any)},
		"one short":        {short, new(any)},
		"nested":           {bytes.Repeat(unhex(t, "dd 00ffffff"), 100), new(any)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := msgpack.Codec.Decode(tc.src, tc.v)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s decodes to %v", name, reflect.ValueOf(tc.v).Elem())
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
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
	for name, tc := range map[string]struct {
		id    int8
		reads int
		want  string
	}{
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
