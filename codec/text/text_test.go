package text_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/text"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

type headline string

// golden are encodings made by Python's str.encode.
var golden = []struct {
	name, charset, text, encoded string // encoded is in hexadecimal
}{
	{"utf-8", "utf-8", "a€😀", "61e282acf09f9880"},
	{"UTF8", "utf-8", "\uFEFFa", "efbbbf61"},
	{"gbk", "gbk", "你好a", "c4e3bac361"},
	{"GB2312", "gbk", "你好", "c4e3bac3"},
	{"gb18030", "gb18030", "你好€😀\uFFFD", "c4e3bac3a2e39439fc368431a437"},
	{"big5", "big5", "繁體", "c163c5e9"},
	{"shift_jis", "shift_jis", "日本ｱ", "93fa967bb1"},
	{"euc-jp", "euc-jp", "日本ｱ", "c6fccbdc8eb1"},
	{"iso-2022-jp", "iso-2022-jp", "日a本", "1b2442467c1b2842611b24424b5c1b2842"},
	{"euc-kr", "euc-kr", "한글", "c7d1b1db"},
	{"utf-16", "utf-16", "a😀", "fffe61003dd800de"},
	{"csUTF16", "utf-16", "", "fffe"},
	{"utf-16le", "utf-16le", "\uFEFFa😀", "fffe61003dd800de"},
	{"UTF-16BE", "utf-16be", "a😀", "0061d83dde00"},
	{"latin-1", "iso-8859-1", "größe\u0080", "6772f6df6580"},
	{"latin1", "iso-8859-1", "\u00ff", "ff"},
	{"ISO-8859-1", "iso-8859-1", "é", "e9"},
	{"iso8859-1", "iso-8859-1", "\u0085", "85"},
	{"iso88591", "iso-8859-1", "\u0085", "85"},
	{"iso88599", "iso-8859-9", "\u0085", "85"},
	{"iso-8859-15", "iso-8859-15", "€", "a4"},
	{"windows-1252", "windows-1252", "größe€", "6772f6df6580"},
	{"cp1252", "windows-1252", "€", "80"},
	{"koi8-r", "koi8-r", "Привет", "f0d2c9d7c5d4"},
	{"cp437", "ibm437", "É░", "90b0"},
	{"ascii", "us-ascii", "a~\x00", "617e00"},
	{"hz-gb-2312", "hz-gb-2312", "a你", "617e7b4463"},
	{"x-mac-cyrillic", "x-mac-cyrillic", "Я", "9f"},
}

// TestGolden checks the rules of all codecs for each of the texts.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, tc := range golden {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := text.New(tc.name)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := c.ContentType(), "text/plain; charset="+tc.charset; got != want {
				t.Errorf("content type %q, want %q", got, want)
			}
			encoded := codectest.Hex(t, tc.encoded)
			if err := codectest.Check(c, codectest.Cases{
				Name: tc.charset,
				Values: map[string]codectest.Value{
					"plain": {Value: new(tc.text), Encoded: encoded}, "named": {Value: new(headline(tc.text)), Encoded: encoded},
				},
				Refused: map[string]codectest.Refused{"not UTF-8": {Value: new("ab\xff"), Error: "text is not valid UTF-8 at byte 2 of 3"}},
				WrongTypes: map[string]any{
					"value": "not a pointer", "bytes": new([]byte), "nil": nil, "nil pointer": (*string)(nil), "nil named": (*headline)(nil),
					"of pointer": new(*string), "runes": new([]rune),
				},
				PrefixesDecode: true, LongerDecode: true,
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ codec, src, want string }{
		"little endian mark":    {"utf-16", "fffe 6100", "a"},
		"big endian mark":       {"utf-16", "feff 0061", "a"},
		"no mark":               {"utf-16", "6100", "a"},
		"nothing":               {"utf-16", "", ""},
		"only a mark":           {"utf-16", "feff", ""},
		"second mark":           {"utf-16", "fffe fffe", "\uFEFF"},
		"not looked for":        {"utf-16le", "fffe 6100", "\uFEFFa"},
		"of the other order":    {"utf-16be", "fffe", "\uFFFE"},
		"a character of utf-16": {"utf-16be", "fffd", "\uFFFD"},
	} {
		var got string
		if err := text.Must(tc.codec).Decode(codectest.Hex(t, tc.src), &got); err != nil || got != tc.want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, tc.want)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ codec, text, want string }{
		"latin-1":            {"latin-1", "größe €", "codec/text: iso-8859-1 cannot write U+20AC '€' at byte 8"},
		"gbk":                {"gbk", "你😀", "codec/text: gbk cannot write U+1F600 '😀' at byte 3"},
		"ascii":              {"ascii", "ö", "codec/text: us-ascii cannot write U+00F6 'ö' at byte 0"},
		"replacement":        {"windows-1252", "a\uFFFD", "codec/text: windows-1252 cannot write U+FFFD '\uFFFD' at byte 1"},
		"shift_jis":          {"shift_jis", "日한", "codec/text: shift_jis cannot write U+D55C '한' at byte 3"},
		"would come back as": {"gb18030", "你\uE000", "codec/text: gb18030 cannot write U+E000 at byte 3"},
		"escape":             {"iso-2022-jp", "日\x1b", "codec/text: iso-2022-jp cannot write U+001B at byte 3"},
		"escape sequence":    {"iso-2022-jp", "a\x1b$Bb", "codec/text: iso-2022-jp cannot write U+001B at byte 1"},
		"not UTF-8":          {"utf-16", "a\xff", "codec/text: text is not valid UTF-8 at byte 1 of 2"},
		"not UTF-8, utf-8":   {"utf-8", "ö\xc3", "codec/text: text is not valid UTF-8 at byte 2 of 3"},
		"far away":           {"koi8-r", strings.Repeat("Привет", 500) + "ö", "cannot write U+00F6 'ö' at byte 6000"},
	} {
		dst := []byte("head:")
		got, err := text.Must(tc.codec).Append(dst, &tc.text)
		if err == nil || !strings.HasSuffix(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
		if string(got) != "head:" {
			t.Errorf("%s: after an error dst is %q", name, got)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		codec, src string
		offset     int64
		want       string
	}{
		"utf-8":               {"utf-8", "61 efbfbd ff", 4, "not valid UTF-8"},
		"utf-8 cut":           {"utf-8", "61 e282", 1, "not valid UTF-8"},
		"ascii":               {"ascii", "61 80", 1, "not a character of us-ascii"},
		"windows-1253":        {"windows-1253", "61 61 aa", 2, "not a character of windows-1253"},
		"gbk first":           {"gbk", "ff", 0, "not a character of gbk"},
		"gbk cut":             {"gbk", "c4e3 ba", 2, "not a character of gbk"},
		"gbk second byte":     {"gbk", "61 c4e3 ba20 c4e3", 3, "not a character of gbk"},
		"gb18030":             {"gb18030", "8431a437 61 8431a437 ff 8431a437", 9, "not a character of gb18030"},
		"gb18030 cut":         {"gb18030", "8431a437 8431a4", 4, "not a character of gb18030"},
		"shift_jis":           {"shift_jis", "93fa 96", 2, "not a character of shift_jis"},
		"euc-jp":              {"euc-jp", "c6fc cb20", 2, "not a character of euc-jp"},
		"euc-kr":              {"euc-kr", "c7d1 b1", 2, "not a character of euc-kr"},
		"big5":                {"big5", "c163 c5", 2, "not a character of big5"},
		"iso-2022-jp":         {"iso-2022-jp", "61 80", 1, "not a character of iso-2022-jp"},
		"utf-16 odd":          {"utf-16", "fffe 6100 61", 5, "unexpected EOF"},
		"utf-16 half a mark":  {"utf-16", "ff", 1, "unexpected EOF"},
		"utf-16 high half":    {"utf-16le", "6100 3dd8 6100", 2, "half of a surrogate pair"},
		"utf-16 low half":     {"utf-16be", "de00 d83d", 0, "half of a surrogate pair"},
		"utf-16 cut in pair":  {"utf-16be", "0061 d83d de", 2, "half of a surrogate pair"},
		"utf-16 end of pair":  {"utf-16", "feff d83d", 2, "half of a surrogate pair"},
		"utf-16 by the mark":  {"utf-16", "feff 0061 de00", 4, "half of a surrogate pair"},
		"the last of a kilo":  {"gbk", strings.Repeat("c4e3", 512) + "ba", 1024, "not a character of gbk"},
		"both halves swapped": {"utf-16le", "00de 3dd8", 0, "half of a surrogate pair"},
	} {
		var value string
		err := text.Must(tc.codec).Decode(codectest.Hex(t, tc.src), &value)
		var format *codec.FormatError
		if !errors.As(err, &format) || format.Offset != tc.offset || !strings.HasSuffix(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q at byte %d", name, err, tc.want, tc.offset)
		}
		if value != "" {
			t.Errorf("%s: after an error the value is %q", name, value)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "klingon", "utf-7", "replacement", "iso-2022-kr", "iso-8859-99", "latin-", "gbk\x00"} {
		c, err := text.New(name)
		if c != nil || err == nil || !strings.Contains(err.Error(), "no encoding has the name ") {
			t.Errorf("New(%q) = %v, %v", name, c, err)
		}
		if got := recovered(func() { text.Must(name) }); got == nil || got.Error() != err.Error() {
			t.Errorf("Must(%q) panicked with %v, want %v", name, got, err)
		}
	}
}

// recovered returns the error that f panics with.
func recovered(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return nil
}

func Benchmark(b *testing.B) {
	for _, name := range []string{"utf-8", "utf-16", "gbk", "latin-1"} {
		b.Run(name, func(b *testing.B) {
			value := strings.Repeat("你好 ", 8)
			if name == "latin-1" {
				value = strings.Repeat("größer ", 8)
			}
			codectest.Benchmark(b, text.Must(name), &value)
		})
	}
}
