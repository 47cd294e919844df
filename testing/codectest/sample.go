package codectest

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

// Sample has a field of each kind that codecs of any T have in common. Libraries for property tests fill it by reflection.
type Sample struct {
	Int    int64
	Small  int8
	Uint   uint64
	Float  float64
	Single float32
	Text   string
	Bytes  []byte
	Flags  []bool
	Of     map[string][]uint16
	ByID   map[int32]string
	Next   *Sample
}

// Kinds has a field of each kind that libraries are apt to read in a way of its own, for bytes from anywhere.
type Kinds struct {
	Any     any
	Map     map[string]any
	Keys    map[any]int
	Ints    map[int]int8
	Endless Endless
	Texts   []string
	Array   [2]uint16
	Bytes   []byte
	Octets  [3]byte
	Text    string
	Bool    bool
	Float   float32
	Double  float64
	Time    time.Time
	Wait    time.Duration
	Error   error
}

// Endless can be nested without end.
type Endless map[string]Endless

// NoPointers returns what no codec takes, whatever it takes otherwise, for [Cases].WrongTypes: values that are not pointers, and nil pointers.
func NoPointers() map[string]any {
	return map[string]any{
		"nil": nil, "value": 1, "map": map[string]any{}, "struct": Sample{},
		"nil pointer": (*int)(nil), "nil map pointer": (*map[string]any)(nil), "nil struct pointer": (*Sample)(nil),
	}
}

// Hex returns the bytes that s has in hexadecimal. Spaces do not count.
func Hex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
