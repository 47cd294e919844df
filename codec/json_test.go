package codec_test

import (
	"encoding/json"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/codectest"
	"pgregory.net/rapid"
)

// TestJSONOfAnyValue checks the rules of all codecs.
func TestJSONOfAnyValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Make[codectest.Sample]().Draw(t, "value")
		encoded, err := codec.JSON.Append(nil, &value)
		if err != nil || !json.Valid(encoded) {
			t.Fatalf("%q, %v", encoded, err)
		}
		if err := codectest.Check(codec.JSON, codectest.Cases{
			Values: map[string]codectest.Value{"drawn": {Value: &value, Encoded: encoded}},
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzJSONDecode checks what Decode makes of any bytes, whose errors all have a place.
func FuzzJSONDecode(f *testing.F) {
	codectest.Fuzz(f, codec.JSON, []any{new(any), new(order), new(codectest.Sample)}, [][]byte{
		[]byte(`{"id":1,"lines":["a"]}`),
		[]byte(`[null,true,-0.5e-7,"\u2028\ud800"]`),
		[]byte(`{"ByID":{"7":"a"},"Bytes":"AQ==","Next":{"Small":-1}}`),
		[]byte(`{`),
	}, nil)
}

func BenchmarkJSON(b *testing.B) {
	codectest.Benchmark(b, codec.JSON, &order{ID: 42, Lines: []string{"two pencils", "one notebook"}})
}
