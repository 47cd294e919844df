package pickle_test

import (
	"errors"
	"io"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/pickle"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

// TestOpcodes has each opcode that is plain data, and what it makes.
func TestOpcodes(t *testing.T) {
	t.Parallel()
	long, _ := new(big.Int).SetString("-18446744073709551617", 10)
	for src, want := range map[string]any{
		"N.":                        nil,
		"\x80\x02\x88.":             true,
		"\x89.":                     false,
		"I01\n.":                    true,
		"I00\n.":                    false,
		"I-12\n.":                   int64(-12),
		"I1\n.":                     int64(1),
		"J\xfe\xff\xff\xff.":        int64(-2),
		"K\xff.":                    int64(255),
		"M\xff\xff.":                int64(65535),
		"L5L\n.":                    int64(5),
		"L5\n.":                     int64(5),
		"\x8a\x00.":                 int64(0),
		"\x8a\x01\xff.":             int64(-1),
		"\x8a\x02\x00\x80.":         int64(-32768),
		"\x8b\x01\x00\x00\x00\x05.": int64(5),
		"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xfe.": long,
		"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff.": int64(-1),
		"L-18446744073709551617L\n.":                    long,
		"F-1.5e3\n.":                                    -1500.0,
		"Finf\n.":                                       math.Inf(1),
		"F1e999\n.":                                     math.Inf(1),
		"G\x3f\xf8\x00\x00\x00\x00\x00\x00.":            1.5,
		"Va\xf6\\u4e16\\U0001f600\\n\\\\u0041\n.":       "aö世😀\\n\\\\u0041",
		"X\x02\x00\x00\x00ö.":                           "ö",
		"\x8c\x01a.":                                    "a",
		"\x8d\x01\x00\x00\x00\x00\x00\x00\x00a.":        "a",
		"B\x01\x00\x00\x00\xff.":                        []byte{255},
		"C\x00.":                                        []byte{},
		"\x8e\x01\x00\x00\x00\x00\x00\x00\x00a.":        []byte("a"),
		"].":                                            []any{},
		"(lI1\naI2\na.":                                 []any{int64(1), int64(2)},
		"](K\x01e(e(NK\x02e.":                           []any{int64(1), nil, int64(2)},
		").":                                            []any{},
		"(K\x01K\x02K\x03Nt.":                           []any{int64(1), int64(2), int64(3), nil},
		"N\x85.":                                        []any{nil},
		"NN\x86.":                                       []any{nil, nil},
		"NNN\x87.":                                      []any{nil, nil, nil},
		"}.":                                            map[string]any{},
		"(d\x8c\x01aK\x01s.":                            map[string]any{"a": int64(1)},
		"(\x8c\x01aK\x01d.":                             map[string]any{"a": int64(1)},
		"}(\x8c\x01aNK\x01\x88u.":                       map[any]any{"a": nil, int64(1): true},
		"\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00N.": nil,
	} {
		var got any
		if err := pickle.Codec.Decode([]byte(src), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, %v, want %#v", src, got, err, want)
		}
	}
}

// A list is remembered before it is filled, and whoever refers to it means what it holds in the end.
func TestMemo(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"((lp7\nI1\nag7\nl.", "](]q\x00K\x01ah\x00e.", "](]r\x00\x01\x00\x00K\x01aj\x00\x01\x00\x00e.", "](]\x94K\x01ah\x00e.",
	} {
		var got any
		want := []any{[]any{int64(1)}, []any{int64(1)}}
		if err := pickle.Codec.Decode([]byte(src), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v, want %v", src, got, err, want)
		}
	}
}

// TestMalformed has pickles that Python does not write, and where each is wrong.
func TestMalformed(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"":                                       "at byte 0: unexpected EOF",
		"N":                                      "at byte 1: unexpected EOF",
		"N..":                                    "at byte 2: 1 bytes after the end of the pickle",
		".":                                      "at byte 0: the pickle ends with 0 values and 0 open marks, want one value",
		"NN.":                                    "at byte 2: the pickle ends with 2 values and 0 open marks, want one value",
		"N(.":                                    "at byte 2: the pickle ends with 1 values and 1 open marks, want one value",
		"N\xff.":                                 "at byte 1: opcode 0xff is none of pickle protocols 0 to 5",
		"\x80\x06N.":                             "at byte 0: pickle protocol 6 at byte 0, want at most 5, at the beginning",
		"N\x80\x02.":                             "at byte 1: pickle protocol 2 at byte 1, want at most 5, at the beginning",
		"\x95\xff\xff\xff\xff\xff\xff\xff\xffN.": "at byte 11: unexpected EOF",
		"\x95\x03\x00\x00\x00\x00\x00\x00\x00N.": "at byte 11: unexpected EOF",
		"]e.":                                    "at byte 1: there is no open mark",
		"l.":                                     "at byte 0: there is no open mark",
		"N](a.":                                  "at byte 3: too few values on the stack",
		"](NNs.":                                 "at byte 4: too few values on the stack",
		"a.":                                     "at byte 0: too few values on the stack",
		"(q\x00.":                                "at byte 1: too few values on the stack",
		"N\x86.":                                 "at byte 1: too few values on the stack",
		"(N\x86.":                                "at byte 2: too few values on the stack",
		"(Ne.":                                   "at byte 2: too few values on the stack",
		")Na.":                                   "at byte 2: cannot append to a tuple",
		"}(Ne.":                                  "at byte 3: cannot append to a dict",
		"]NNs.":                                  "at byte 3: cannot set an item of a list",
		"N(NNu.":                                 "at byte 4: cannot set an item of a None",
		"}(Nu.":                                  "at byte 3: a key without a value",
		"(NNNd.":                                 "at byte 4: a key without a value",
		"h\x05.":                                 "at byte 0: nothing was remembered as 5",
		"g-1\n.":                                 `at byte 0: "-1" is not the number of something remembered`,
		"gx":                                     "at byte 2: unexpected EOF",
		"I\n.":                                   `at byte 0: "" is not an int`,
		"I0x10\n.":                               `at byte 0: "0x10" is not an int`,
		"I1_0\n.":                                `at byte 0: "1_0" is not an int`,
		"L--5L\n.":                               `at byte 0: "--5" is not an int`,
		"Fx\n.":                                  `at byte 0: "x" is not a float`,
		"\x8b\xff\xff\xff\xff.":                  "at byte 0: an int of negative length",
		"\x8b\xff\xff\xff\x7f.":                  "at byte 6: unexpected EOF",
		"X\xff\xff\xff\xffabc.":                  "at byte 9: unexpected EOF",
		"\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc.": "at byte 13: unexpected EOF",
		"X\x01\x00\x00\x00\xff.":                   "at byte 0: a str that is not valid UTF-8",
		"X\x03\x00\x00\x00\xed\xa0\x80.":           "at byte 0: a str that is not valid UTF-8", // a lone surrogate
		"V\\ud800\n.":                              `at byte 0: a str with the escape "\\ud800", which is no character`,
		"V\\U00110000\n.":                          `at byte 0: a str with the escape "\\U00110000", which is no character`,
		"V\\uxyzw\n.":                              `at byte 0: a str with the escape "\\uxyzw", which is no character`,
		"V\\u00\n.":                                "at byte 0: a str that ends in an escape",
		"I" + strings.Repeat("1", 4301) + "\n.":    "at byte 0: an int of 4301 digits, want at most 4300",
	} {
		var value any
		err := pickle.Codec.Decode([]byte(src), &value)
		var wrong *codec.FormatError
		if !errors.As(err, &wrong) || err.Error() != want {
			t.Errorf("%.60q: %v, want %s", src, err, want)
		}
		if strings.HasSuffix(want, "EOF") && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%.60q: %v is no io.ErrUnexpectedEOF", src, err)
		}
	}
}

// Every other opcode of Python's table is refused by its name, whatever comes before it.
func TestRefused(t *testing.T) {
	t.Parallel()
	for op, name := range map[byte]string{
		'c': "GLOBAL", 'R': "REDUCE", 0x93: "STACK_GLOBAL", 'b': "BUILD", 'i': "INST", 'o': "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX",
		0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 'P': "PERSID", 'Q': "BINPERSID", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
		'S': "STRING", 'T': "BINSTRING", 'U': "SHORT_BINSTRING", 0x8f: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", 0x96: "BYTEARRAY8",
		'0': "POP", '1': "POP_MARK", '2': "DUP",
	} {
		var value any
		err := pickle.Codec.Decode([]byte("]N"+string([]byte{op})+"."), &value)
		var wrong *codec.FormatError
		if !errors.As(err, &wrong) || wrong.Offset != 2 || !strings.HasPrefix(err.Error(), "at byte 2: opcode "+name+", which ") &&
			!strings.HasPrefix(err.Error(), "at byte 2: opcode "+name+", the str of Python 2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNesting has values that are as deep as allowed, and one more.
func TestNesting(t *testing.T) {
	t.Parallel()
	nest := func(depth int) string { return strings.Repeat("]", depth+1) + strings.Repeat("a", depth) + "." }
	var value any
	if err := pickle.Codec.Decode([]byte(nest(1000)), &value); err != nil {
		t.Errorf("1000 deep: %v", err)
	}
	if _, err := pickle.Codec.Append(nil, &value); err != nil {
		t.Errorf("1000 deep: %v", err)
	}
	err := pickle.Codec.Decode([]byte(nest(1001)), &value)
	var wrong *codec.FormatError
	if !errors.As(err, &wrong) || wrong.Offset != 1001 || !strings.HasSuffix(err.Error(), " …: nested more than 1000 deep") {
		t.Errorf("1001 deep: %v", err)
	}
}

// laughs is a pickle of lists in which each mentions the one before so many times.
func laughs(levels, mentions int) string {
	src := "]\x94"
	for i := range levels {
		src = "](" + src + strings.Repeat("h"+string(rune(i)), mentions-1) + "e\x94"
	}
	return src + "."
}

// What hostile pickles cost in memory is in proportion to their length. It is no parallel test, because it counts what all allocate.
func TestMemoryIsBounded(t *testing.T) {
	const size = 100_000
	zero := strings.Repeat("\x00", 4)
	for name, src := range map[string]string{
		"laughs":         laughs(60, 10),
		"wide laughs":    laughs(3, 2000),
		"mentions":       "](B\xff\xff\x00\x00" + strings.Repeat("a", 65535) + "q\x00" + strings.Repeat("h\x00", size) + "e.",
		"mentioned long": "](\x8b\x00\x80\x00\x00" + strings.Repeat("a", 32768) + "q\x00" + strings.Repeat("h\x00", size) + "e.",
		"lists":          "(" + strings.Repeat("]", size) + "l.",
		"dicts":          "(" + strings.Repeat("}", size) + "l.",
		"marks":          strings.Repeat("(", size) + ".",
		"memo":           "N" + strings.Repeat("\x94", size) + ".",
		"many numbers":   "N" + strings.Repeat("r"+zero, size/5) + ".",
		"deep":           strings.Repeat("]", size) + strings.Repeat("a", size-1) + ".",
		"deep tuples":    "N" + strings.Repeat("\x85", size) + ".",
		"lengths":        "(" + strings.Repeat("X\xff\xff\xff\x7f", size/5),
		"long lines":     "I" + strings.Repeat("9", size) + "\n.",
	} {
		for _, into := range []any{new(any), new([]any), new([]map[string][]any), new([][]byte)} {
			used, err := codectest.Allocates(pickle.Codec, []byte(src), into)
			limit := uint64(1_000_000 + 2000*len(src))
			if used > limit {
				t.Errorf("%s: %d bytes for %d, want at most %d, %v", name, used, len(src), limit, err)
			}
			var program *codec.TypeError
			if errors.As(err, &program) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	var value any
	err := pickle.Codec.Decode([]byte(laughs(60, 10)), &value)
	if err == nil || !strings.HasSuffix(err.Error(), "more values than 16 for each byte: too much of it is mentioned many times") {
		t.Errorf("laughs: %v", err)
	}
}

// A struct that ignores the keys of a dict looks at each of them, once for each mention of the dict.
func TestIgnoredKeysAreBounded(t *testing.T) {
	t.Parallel()
	const size = 10_000
	src := "](}\x94(" + strings.Repeat("NN", size) + "u" + strings.Repeat("h\x00", size) + "e."
	var values []struct{ A int }
	err := pickle.Codec.Decode([]byte(src), &values)
	if err == nil || !strings.HasSuffix(err.Error(), "too much of it is mentioned many times") {
		t.Errorf("got %v and %d values, want an error", err, len(values))
	}
}
