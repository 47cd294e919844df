package pickle_test

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/pickle"
)

// TestDecodeTyped has what goes into the types of a program.
func TestDecodeTyped(t *testing.T) {
	t.Parallel()
	long, _ := new(big.Int).SetString("18446744073709551616", 10)
	for name, tc := range map[string]struct {
		src  string
		want any // a pointer to the value
	}{
		"int":             {"K\x05.", new(int8(5))},
		"uint":            {"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00.", new(uint64(math.MaxUint64))},
		"lowest":          {"J\x80\xff\xff\xff.", new(int8(-128))},
		"float":           {"G\x3f\xf8\x00\x00\x00\x00\x00\x00.", new(float32(1.5))},
		"infinite":        {"G\x7f\xf0\x00\x00\x00\x00\x00\x00.", new(float32(math.Inf(1)))},
		"int to float":    {"K\x05.", new(5.0)},
		"long to float":   {"L18446744073709551616L\n.", new(float64(1 << 64))},
		"long":            {"L18446744073709551616L\n.", long},
		"long by pointer": {"L18446744073709551616L\n.", &long},
		"short long":      {"K\x05.", big.NewInt(5)},
		"named":           {"X\x03\x00\x00\x00abc.", new(label("abc"))},
		"bytes":           {"C\x02\x00\xff.", new([]byte{0, 255})},
		"named bytes":     {"C\x02\x00\xff.", new([]octet{0, 255})},
		"byte array":      {"C\x02\x00\xff.", new([2]octet{0, 255})},
		"no bytes":        {"C\x00.", &[]byte{}},
		"nil bytes":       {"N.", new([]byte)},
		"nil pointer":     {"N.", new(*int)},
		"nil map":         {"N.", new(map[string]int)},
		"tuple":           {"K\x01K\x02\x86.", new([]int{1, 2})},
		"array":           {"](K\x01K\x02e.", new([2]int{1, 2})},
		"empty list":      {"].", &[]int{}},
		"dict":            {"}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00bNu.", new(map[label]*int{"a": new(1), "b": nil})},
		"dict of ints":    {"}(K\x01\x88u.", new(map[uint8]bool{1: true})},
		"last of equals":  {"}(K\x01K\x02K\x01K\x03u.", new(map[int]int{1: 3})},
		"struct":          {"}(\x8c\x02idK\x01\x8c\x05Lines](}\x8c\x05countK\x02se\x8c\x04noteN\x8c\x05otherNK\x05Nu.", &order{ID: 1, Lines: []line{{Count: 2}}}},
		"other case":      {"}(\x8c\x02IDK\x01\x8c\x07PrivateNu.", &order{}},
		"not tagged":      {"}\x8c\x06secretK\x01s.", &line{}},
	} {
		got := reflect.New(reflect.TypeOf(tc.want).Elem())
		if err := pickle.Codec.Decode([]byte(tc.src), got.Interface()); err != nil || !reflect.DeepEqual(got.Interface(), tc.want) {
			t.Errorf("%s: %#v, %v, want %#v", name, got.Elem(), err, reflect.ValueOf(tc.want).Elem())
		}
	}
}

func TestDecodeMismatch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		src  string
		into any
		want string
	}{
		"overflow":        {"M\x2c\x01.", new(int8), "at byte 0: a Python int is out of the range of a Go int8"},
		"negative":        {"J\xff\xff\xff\xff.", new(uint), "at byte 0: a Python int is out of the range of a Go uint"},
		"long":            {"L18446744073709551616L\n.", new(uint64), "at byte 0: a Python int is out of the range of a Go uint64"},
		"float 32":        {"G\x7f\xef\xff\xff\xff\xff\xff\xff.", new(float32), "at byte 0: a Python float is out of the range of a Go float32"},
		"float to int":    {"G\x3f\xf0\x00\x00\x00\x00\x00\x00.", new(int), "at byte 0: a Python float does not go into a Go int"},
		"bool to int":     {"\x88.", new(int), "at byte 0: a Python bool does not go into a Go int"},
		"int to bool":     {"K\x01.", new(bool), "at byte 0: a Python int does not go into a Go bool"},
		"bytes to str":    {"C\x01a.", new(string), "at byte 0: a Python bytes does not go into a Go string"},
		"str to bytes":    {"X\x01\x00\x00\x00a.", new([]byte), "at byte 0: a Python str does not go into a Go []uint8"},
		"str to float":    {"X\x01\x00\x00\x00a.", new(float64), "at byte 0: a Python str does not go into a Go float64"},
		"None to int":     {"N.", new(int), "at byte 0: a Python None does not go into a Go int"},
		"None to struct":  {"N.", new(order), "at byte 0: a Python None does not go into a Go pickle_test.order"},
		"list to struct":  {"].", new(order), "at byte 0: a Python list does not go into a Go pickle_test.order"},
		"tuple to map":    {").", new(map[string]int), "at byte 0: a Python tuple does not go into a Go map[string]int"},
		"dict to list":    {"}.", new([]int), "at byte 0: a Python dict does not go into a Go []int"},
		"list to bytes":   {"](K\x01e.", new([]byte), "at byte 0: a Python list does not go into a Go []uint8"},
		"str to big":      {"X\x01\x00\x00\x00a.", new(big.Int), "at byte 0: a Python str does not go into a Go big.Int"},
		"short array":     {"](K\x01e.", new([2]int), "at byte 0: a Python list does not go into a Go [2]int"},
		"long byte array": {"C\x02ab.", new([1]byte), "at byte 0: a Python bytes does not go into a Go [1]uint8"},
		"path": {"}\x8c\x05Lines](}}}\x8c\x07ArticleK\x01ses.", new(order),
			"at byte 22: .Lines[2].Article: a Python int does not go into a Go pickle_test.label"},
		"path of keys":  {"}K\x05}\x8c\x03a bNss.", new(map[int]map[string]int), `at byte 9: [5]["a b"]: a Python None does not go into a Go int`},
		"key":           {"}K\x05Ns.", new(map[string]any), "at byte 1: [a key]: a Python int does not go into a Go string"},
		"tuple key":     {"})Ns.", new(any), "at byte 1: a Python tuple as a key: only text, numbers and bool can be keys"},
		"bytes key":     {"}C\x00Ns.", new(map[any]any), "at byte 1: a Python bytes as a key: only text, numbers and bool can be keys"},
		"long key":      {"}L18446744073709551616L\nNs.", new(any), "at byte 1: a Python int as a key: only text, numbers and bool can be keys"},
		"NaN key":       {"}Fnan\nNs.", new(map[float64]any), "at byte 1: NaN cannot be a key: nothing finds it"},
		"in a cycle":    {"]q\x00](h\x00ea.", new(any), "at byte 0: [0][0]: contains itself"},
		"dict cycle":    {"}q\x00K\x01h\x00s.", new(any), "at byte 0: [1]: contains itself"},
		"struct cycle":  {"}q\x00\x8c\x04Nexth\x00s.", new(chain), "at byte 0: .Next: contains itself"},
		"tuple of self": {"]q\x00h\x00\x85a.", new(any), "at byte 0: [0][0]: contains itself"},
	} {
		err := pickle.Codec.Decode([]byte(tc.src), tc.into)
		var wrong *codec.FormatError
		if !errors.As(err, &wrong) || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

type chain struct{ Next *chain }

// What Python mentions twice are two values in Go, of which one can be changed.
func TestSharedValuesAreCopied(t *testing.T) {
	t.Parallel()
	var value [][]byte
	if err := pickle.Codec.Decode([]byte("](C\x01aq\x00h\x00e."), &value); err != nil {
		t.Fatal(err)
	}
	value[0][0] = 'b'
	if string(value[1]) != "a" {
		t.Errorf("the other one became %q", value[1])
	}
}
