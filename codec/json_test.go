package codec_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"testing/quick"

	"github.com/fanfare-go/fanfare/codec"
)

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	type nested struct {
		Name  string
		Count int64
		Ratio float64
		Bytes []byte
		Of    map[string][]bool
		Next  *order
	}
	check := func(value nested) bool {
		var decoded nested
		encoded, err := codec.JSON.Append(nil, &value)
		return err == nil && json.Valid(encoded) &&
			codec.JSON.Decode(encoded, &decoded) == nil && reflect.DeepEqual(decoded, value)
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

func TestJSONDecodeErrors(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"":             "at byte 0: unexpected end of JSON input",
		`{"id":1`:      "at byte 7: unexpected end of JSON input",
		`{"id":1} {}`:  "at byte 9: invalid character '{' after top-level value",
		`}`:            "at byte 0: invalid character '}' looking for beginning of value",
		`{"id":"one"}`: "at byte 11: json: cannot unmarshal string into Go struct field order.id of type int",
	} {
		var value order
		if err := codec.JSON.Decode([]byte(src), &value); err == nil || err.Error() != want {
			t.Errorf("decoding %s: %v, want %s", src, err, want)
		}
	}
}

func TestJSONDecodeCopies(t *testing.T) {
	t.Parallel()
	src := []byte(`["payload"]`)
	var value []json.RawMessage
	if err := codec.JSON.Decode(src, &value); err != nil {
		t.Fatal(err)
	}
	clear(src)
	if string(value[0]) != `"payload"` {
		t.Errorf("the value changed with src: %q", value[0])
	}
}

// FuzzJSONDecode checks that whatever decodes also encodes, and that this encoding means the same.
func FuzzJSONDecode(f *testing.F) {
	f.Add([]byte(`{"id":1,"lines":["a"]}`))
	f.Add([]byte(`[null,true,-0.5e-7,"\u2028\ud800"]`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, src []byte) {
		var value, same any
		if codec.JSON.Decode(src, &value) != nil {
			return
		}
		encoded, err := codec.JSON.Append(nil, &value)
		if err != nil {
			t.Fatalf("%q decodes to %v, which does not encode: %v", src, value, err)
		}
		if err := codec.JSON.Decode(encoded, &same); err != nil || !reflect.DeepEqual(same, value) {
			t.Fatalf("%q became %q, %v", src, encoded, err)
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	benchmark(b, codec.JSON, &order{ID: 42, Lines: []string{"two pencils", "one notebook"}})
}
