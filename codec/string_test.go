package codec_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

func FuzzStringDecode(f *testing.F) {
	f.Add([]byte("größer"))
	f.Add([]byte("\xed\xa0\x80"))
	f.Fuzz(func(t *testing.T, src []byte) {
		var value label
		err := codec.String.Decode(src, &value)
		if (err == nil) != utf8.Valid(src) {
			t.Fatalf("decoding %q: %v", src, err)
		}
		if err != nil {
			return
		}
		again, err := codec.String.Append(nil, &value)
		if err != nil || string(again) != string(src) {
			t.Fatalf("%q became %q, %v", src, again, err)
		}
	})
}

func BenchmarkString(b *testing.B) {
	codectest.Benchmark(b, codec.String, new(strings.Repeat("größer ", 32)))
}
