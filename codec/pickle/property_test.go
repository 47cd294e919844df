package pickle_test

import (
	"bytes"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec/pickle"
	"github.com/fanfare-go/fanfare/testing/codectest"
	ogórek "github.com/kisielk/og-rek"
	"pgregory.net/rapid"
)

// values draws plain data, of the types that it has in an any.
func values() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any { return value(t, 3) })
}

func value(t *rapid.T, depth int) any {
	kinds := []string{"None", "bool", "int", "long", "float", "str", "bytes"}
	if depth > 0 {
		kinds = append(kinds, "list", "dict", "dict of ints")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "bool":
		return rapid.Bool().Draw(t, "bool")
	case "int":
		return rapid.Int64().Draw(t, "int")
	case "long":
		n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 9, 300).Draw(t, "digits"))
		if n.SetBit(n, 70, 1); rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		return n
	case "float":
		return rapid.Float64().Draw(t, "float")
	case "str":
		return strings.ToValidUTF8(rapid.String().Draw(t, "str"), "?")
	case "bytes":
		return rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
	case "list":
		list := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "length") {
			list = append(list, value(t, depth-1))
		}
		return list
	case "dict":
		dict := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "keys") {
			dict[strings.ToValidUTF8(rapid.String().Draw(t, "key"), "?")] = value(t, depth-1)
		}
		return dict
	case "dict of ints":
		dict := map[any]any{rapid.Int64().Draw(t, "key"): value(t, depth-1)}
		for range rapid.IntRange(0, 3).Draw(t, "keys") {
			dict[rapid.Int64().Draw(t, "key")] = value(t, depth-1)
		}
		return dict
	default:
		return nil
	}
}

func hasBytes(value any) bool {
	encoded := false
	walk(value, func(v any) {
		if _, ok := v.([]byte); ok {
			encoded = true
		}
	})
	return encoded
}

func walk(value any, visit func(any)) {
	visit(value)
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			walk(item, visit)
		}
	case map[string]any:
		for _, item := range v {
			walk(item, visit)
		}
	case map[any]any:
		for _, item := range v {
			walk(item, visit)
		}
	}
}

// TestContractOfAnyValue checks the rules of all codecs, and that equal values have the same pickle.
func TestContractOfAnyValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		untyped := values().Draw(t, "untyped")
		encoded, err := pickle.Codec.Append(nil, &untyped)
		if err != nil {
			t.Fatal(err)
		}
		typed := nested{
			Sample: rapid.Make[codectest.Sample]().Draw(t, "typed"), Name: "größer", Bytes: []octet{octet(rapid.Byte().Draw(t, "octet"))},
			Pair: [2]int16{rapid.Int16().Draw(t, "first")}, Counts: map[int32]count{1: count(rapid.Uint16().Draw(t, "count"))},
			Orders: []map[string]line{nil, {"a": {"ink", 1, 0}}},
		}
		if err := codectest.Check(pickle.Codec, codectest.Cases{
			Values: map[string]codectest.Value{"untyped": {Value: &untyped, Encoded: encoded}, "typed": {Value: &typed}},
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// nested has the named types.
type nested struct {
	codectest.Sample
	Name   label
	Bytes  []octet
	Pair   [2]int16
	Counts map[int32]count
	Orders []map[string]line
}

// Another implementation of the format reads what is written here.
func TestOgorekReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := values().Draw(t, "value")
		encoded, err := pickle.Codec.Append(nil, &want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ogórek.NewDecoder(bytes.NewReader(encoded)).Decode()
		if err != nil || !reflect.DeepEqual(plain(got), plain(want)) {
			t.Fatalf("%#v was read as %#v, %v", want, got, err)
		}
	})
}

// plain turns the types of both implementations into the same ones.
func plain(value any) any {
	switch v := value.(type) {
	case ogórek.None:
		return nil
	case ogórek.Bytes:
		return []byte(v)
	case *big.Int:
		if v.IsInt64() {
			return v.Int64()
		}
		return "int " + v.String()
	case []any:
		items := []any{}
		for _, item := range v {
			items = append(items, plain(item))
		}
		return items
	case map[string]any:
		items := map[any]any{}
		for k, item := range v {
			items[k] = plain(item)
		}
		return items
	case map[any]any:
		items := map[any]any{}
		for k, item := range v {
			items[plain(k)] = plain(item)
		}
		return items
	default:
		return v
	}
}

// FuzzDecode checks what Decode makes of any bytes, whose errors all have a place.
func FuzzDecode(f *testing.F) {
	var seeds [][]byte
	for _, seed := range []string{
		"N.", "](K\x01M\x00\x01J\xff\xff\xff\xff\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00e.", "}(\x8c\x02idK\x01\x8c\x05Lines](}\x8c\x05countK\x02seu.",
		"(dp0\nVname\np1\nVa\\u4e16\np2\nsg1\nF1.5\nsI01\nL5L\ns.", "\x80\x05\x95\x08\x00\x00\x00\x00\x00\x00\x00]\x94(C\x01a\x94h\x01e.",
		"cos\nsystem\n(S'true'\ntR.", "]q\x00h\x00a.", laughs(20, 10), "\x8e\xff\xff\xff\xff\xff\xff\xff\xffa", "}(NK\x01\x88N\x89Nu.", "Fnan\n.", "(NNt\x85.",
	} {
		seeds = append(seeds, []byte(seed))
	}
	codectest.Fuzz(f, pickle.Codec, []any{
		new(any), new(order), new(map[string][]any), new([]map[int8]*big.Int), new(*[2][]octet),
	}, seeds, &codectest.FuzzOptions{Placed: true})
}
