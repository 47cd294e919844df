package pickle_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/pickle"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

var _ codec.Codec = pickle.Codec

// Named types, which the codec must take like the types they are made of.
type (
	octet byte
	label string
	count uint16
)

type line struct {
	Article label
	Count   count `pickle:"count"`
	secret  int
}

type order struct {
	ID      int64 `pickle:"id"`
	Lines   []line
	Note    *string `pickle:"note"`
	Private string  `pickle:"-"`
}

// TestCodec has pickles written by hand from the documentation of Python's pickletools, of which what is between PROTO 4 and STOP stands here.
func TestCodec(t *testing.T) {
	t.Parallel()
	become := func(v any, encoded string, decoded any) codectest.Value {
		return codectest.Value{Value: v, Encoded: []byte("\x80\x04" + encoded + "."), Decoded: decoded}
	}
	value := func(v any, encoded string) codectest.Value { return become(v, encoded, nil) }
	values := map[string]codectest.Value{
		"None":         value(new(any), "N"),
		"nil pointer":  value(new(*int), "N"),
		"nil slice":    value(new([]int), "N"),
		"nil map":      value(new(map[string]int), "N"),
		"nil bytes":    value(new([]byte), "N"),
		"bool":         value(new([]bool{true, false}), "](\x88\x89e"),
		"int 1":        value(new(255), "K\xff"),
		"int 2":        value(new(256), "M\x00\x01"),
		"int 4":        value(new(65536), "J\x00\x00\x01\x00"),
		"negative":     value(new(int8(-1)), "J\xff\xff\xff\xff"),
		"int 8":        value(new(int64(math.MinInt64)), "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"),
		"uint":         value(new(uint64(math.MaxUint64)), "\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00"),
		"big":          value(new(big.NewInt(3)), "K\x03"),
		"big value":    value(big.NewInt(300), "M\x2c\x01"),
		"float":        value(new(1.5), "G\x3f\xf8\x00\x00\x00\x00\x00\x00"),
		"float 32":     value(new(float32(1.5)), "G\x3f\xf8\x00\x00\x00\x00\x00\x00"),
		"text":         value(new("ö"), "\x8c\x02ö"),
		"named text":   value(new(label("abc")), "\x8c\x03abc"),
		"long text":    value(new(strings.Repeat("a", 256)), "X\x00\x01\x00\x00"+strings.Repeat("a", 256)),
		"bytes":        value(new([]byte("\x00\xff")), "C\x02\x00\xff"),
		"no bytes":     value(&[]byte{}, "C\x00"),
		"named bytes":  value(new([]octet{1}), "C\x01\x01"),
		"byte array":   value(new([2]byte{1, 2}), "C\x02\x01\x02"),
		"in an any":    become(new(any([2]byte{1, 2})), "C\x02\x01\x02", new(any([]byte{1, 2}))),
		"list":         become(new([]any{1, "a"}), "](K\x01\x8c\x01ae", &[]any{int64(1), "a"}),
		"empty list":   value(&[]int{}, "]"),
		"array":        value(new([1]int{7}), "](K\x07e"),
		"empty dict":   value(&map[string]int{}, "}"),
		"sorted dict":  value(new(map[label]int{"b": 2, "aa": 1, "c": 3}), "}(\x8c\x02aaK\x01\x8c\x01bK\x02\x8c\x01cK\x03u"),
		"dict of ints": value(new(map[int]string{1: "a", 2: "b"}), "}(K\x01\x8c\x01aK\x02\x8c\x01bu"),
		"dict of any":  become(new(map[any]any{nil: 1, true: 2}), "}(NK\x01\x88K\x02u", &map[any]any{nil: int64(1), true: int64(2)}),
		"struct": become(&order{ID: 1, Lines: []line{{"ink", 2, 9}}, Private: "x"},
			"}(\x8c\x02idK\x01\x8c\x05Lines](}(\x8c\x07Article\x8c\x03ink\x8c\x05countK\x02ue\x8c\x04noteNu", &order{ID: 1, Lines: []line{{"ink", 2, 0}}}),
	}
	codectest.Run(t, pickle.Codec, codectest.Cases{
		Name: "pickle", Values: values, Refused: refused(), WrongTypes: codectest.NoPointers(),
	})
	if got := pickle.Codec.ContentType(); got != "application/x-python-pickle" {
		t.Errorf("content type %q", got)
	}
}

func refused() map[string]codectest.Refused {
	type chain struct{ Next *chain }
	ring := &chain{}
	ring.Next = ring
	list := []any{nil}
	list[0] = list
	refuse := func(v any, text string) codectest.Refused { return codectest.Refused{Value: v, Error: text} }
	return map[string]codectest.Refused{
		"text":        refuse(new([]any{1, map[string]any{"name": "abc\xff"}}), "codec: pickle: [1].name: a str that is not valid UTF-8"),
		"key":         refuse(new(map[string]int{"\xff": 1}), `codec: pickle: ["\xff"]: a str that is not valid UTF-8`),
		"NaN":         refuse(new(map[float64]int{math.NaN(): 1}), "codec: pickle: NaN cannot be a key: nothing finds it"),
		"struct key":  refuse(new([]any{map[[2]int]int{{}: 1}}), "codec: pickle: [0]: only text, numbers and bool can be keys"),
		"in a struct": refuse(&order{Lines: []line{{}, {Article: "\xff"}}}, "codec: pickle: .Lines[1].Article: a str that is not valid UTF-8"),
		"ring":        refuse(&ring, "codec: pickle: "+strings.Repeat(".Next", 16)+" …: nested more than 1000 deep"),
		"cycle":       refuse(&list, "codec: pickle: "+strings.Repeat("[0]", 16)+" …: nested more than 1000 deep"),
	}
}

// TestTypeError has a pickle for each type that would fit, so that it is the type that is refused.
func TestTypeError(t *testing.T) {
	t.Parallel()
	const takes = ", it takes a pointer that is not nil to plain data: bool, numbers, text, bytes, lists, maps, structs"
	type twins struct {
		A int `pickle:"a"`
		B int `pickle:"a"`
	}
	stringer := errors.New("an error") // of the type error, which has methods
	for name, tc := range map[string]struct {
		value     any
		got       string
		src       string
		decodable bool // as far as can be told without a value
	}{
		"channel":   {new(make(chan int)), "chan int", "K\x01.", false},
		"function":  {new(func() {}), "func()", "K\x01.", false},
		"complex":   {new(1i), "complex128", "K\x01.", false},
		"in a list": {new([]chan int{nil}), "chan int", "](K\x01e.", false},
		"in a dict": {new(map[string]chan int{"a": nil}), "chan int", "}\x8c\x01aK\x01s.", false},
		"hidden":    {new(time.Time{}), "time.Time", "}.", false},
		"twins":     {new(twins), "pickle_test.twins", "}.", false},
		"interface": {&stringer, "*errors.errorString", "}.", true},
	} {
		_, appendErr := pickle.Codec.Append(nil, tc.value)
		for verb, err := range map[string]error{"Append": appendErr, "Decode": pickle.Codec.Decode([]byte(tc.src), tc.value)} {
			var wrong *codec.TypeError
			if !errors.As(err, &wrong) || !tc.decodable && err.Error() != "codec: pickle cannot handle "+tc.got+takes {
				t.Errorf("%s: %s = %v, want a TypeError about %s", name, verb, err, tc.got)
			}
		}
	}
	var keys map[[1]int]int
	var wrong *codec.TypeError
	if err := pickle.Codec.Decode([]byte("}."), &keys); !errors.As(err, &wrong) {
		t.Errorf("a map with keys that no dict has: %v", err)
	}
}

func BenchmarkStruct(b *testing.B) {
	note := "by hand"
	codectest.Benchmark(b, pickle.Codec, &order{ID: 42, Lines: []line{{"two pencils", 2, 0}, {"one notebook", 1, 0}}, Note: &note})
}

func BenchmarkAny(b *testing.B) {
	codectest.Benchmark(b, pickle.Codec, new(any(map[string]any{"id": 42, "ratio": math.Pi, "lines": []any{"two pencils", "one notebook"}})))
}
