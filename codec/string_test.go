package codec_test

import (
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/codec"
)

func TestStringRoundTrip(t *testing.T) {
	t.Parallel()
	check := func(value string) bool { // quick generates valid UTF-8
		var plain string
		var named label
		encoded, err := codec.String.Append(nil, &value)
		return err == nil &&
			codec.String.Decode(encoded, &plain) == nil && plain == value &&
			codec.String.Decode(encoded, &named) == nil && string(named) == value
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

func TestStringDecodeRefusesInvalidUTF8(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"\xff":            "at byte 0: text of 1 bytes is not valid UTF-8",
		"größe\xc3":       "at byte 7: text of 8 bytes is not valid UTF-8",
		"\uFFFD\xed\xa0x": "at byte 3: text of 6 bytes is not valid UTF-8",
	} {
		var value string
		if err := codec.String.Decode([]byte(src), &value); err == nil || err.Error() != want {
			t.Errorf("decoding %q: %v, want %s", src, err, want)
		}
	}
}

func TestStringDecodeCopies(t *testing.T) {
	t.Parallel()
	src := []byte("payload")
	var value string
	if err := codec.String.Decode(src, &value); err != nil {
		t.Fatal(err)
	}
	clear(src)
	if value != "payload" {
		t.Errorf("the string changed with src: %q", value)
	}
}

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
	benchmark(b, codec.String, new(strings.Repeat("größer ", 32)))
}
