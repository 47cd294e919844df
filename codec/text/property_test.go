package text_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/text"
	"github.com/fanfare-go/fanfare/testing/codectest"
	"pgregory.net/rapid"
)

// names returns the names of the encodings of the golden texts, each once.
func names() []string {
	var all []string
	for _, tc := range golden {
		all = append(all, tc.charset)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// runes generates any characters, and often ones that the encodings have or treat in a way of their own.
func runes() *rapid.Generator[rune] {
	return rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("aZ09 ~\\\x00\x1b{}$B(¥‾äößé€ЖяЯ░你好中文繁體日本語ｱカひ한글𠮷😀\uFEFF\uFFFD\uE000\u0085")))
}

// TestRoundTrip checks that text is either written so that it comes back, or refused with a character that was in it.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := text.Must(name)
			rapid.Check(t, func(t *rapid.T) {
				want := rapid.StringOf(runes()).Draw(t, "text")
				src, err := c.Append(nil, &want)
				if err != nil {
					if strings.HasPrefix(name, "utf-") || !strings.Contains(err.Error(), name+" cannot write U+") {
						t.Fatalf("%q: %v", want, err)
					}
					return
				}
				var got string
				if err := c.Decode(src, &got); err != nil || got != want {
					t.Fatalf("%q became %x, then %q, %v", want, src, got, err)
				}
			})
		})
	}
}

// TestEveryCharacter checks each character of the Basic Multilingual Plane in each encoding: it comes back, or is refused.
func TestEveryCharacter(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, written := text.Must(name), 0
			var buf []byte
			for r := rune(0); r <= 0xFFFF; r++ {
				if !utf8.ValidRune(r) {
					continue
				}
				want, got := string(r), ""
				var err error
				if buf, err = c.Append(buf[:0], &want); err != nil {
					continue
				}
				written++
				if err := c.Decode(buf, &got); err != nil || got != want {
					t.Fatalf("%U became %x, then %q, %v", r, buf, got, err)
				}
			}
			if written < 128 {
				if name != "iso-2022-jp" && name != "hz-gb-2312" {
					t.Errorf("only %d characters can be written", written)
				}
			}
		})
	}
}

// TestTruncated checks each proper prefix of an encoding: the first characters of the text, or an error where a character is cut.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for _, tc := range golden {
		c, encoded := text.Must(tc.name), codectest.Hex(t, tc.encoded)
		prefixes := map[string]bool{}
		for i := range tc.text + "." {
			prefixes[tc.text[:i]] = true
		}
		cuts := 0
		for n := range encoded {
			var got string
			err := c.Decode(encoded[:n:n], &got)
			var format *codec.FormatError
			switch {
			case err == nil && prefixes[got]:
			case errors.As(err, &format) && 0 <= format.Offset && format.Offset <= int64(n):
				cuts++
			default:
				t.Errorf("%s: the first %d bytes of %x: %q, %v", tc.name, n, encoded, got, err)
			}
		}
		if letters := utf8.RuneCountInString(tc.text); letters > 0 && !strings.HasPrefix(tc.charset, "iso-2022") && tc.charset != "hz-gb-2312" &&
			cuts < len(encoded)-letters-2 { // a mark of two bytes may be cut off between characters
			t.Errorf("%s: only %d of the prefixes of %x are errors", tc.name, cuts, encoded)
		}
	}
}

// FuzzDecode checks what each encoding makes of any bytes, and that it is valid UTF-8 without a replacement that is not in src.
func FuzzDecode(f *testing.F) {
	for _, tc := range golden {
		f.Add(codectest.Hex(f, tc.encoded))
	}
	f.Add([]byte("\x84\x31\xa4\x37\xff"))
	f.Add([]byte("\x1b$B\x46\x7c\x1b(B\x1b(Ja\x1b(I1"))
	f.Add([]byte("\x3d\xd8\x61"))
	codecs := map[string]codec.Codec{}
	for _, name := range names() {
		codecs[name] = text.Must(name)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for name, c := range codecs {
			unicode := strings.HasPrefix(name, "utf-")
			options := codectest.FuzzOptions{
				Placed: true,
				MayRefuse: func(err error) bool { // shift_jis reads 80, but writes no U+0080
					return !unicode && strings.Contains(err.Error(), name+" cannot write U+")
				},
				Equal: func(got, want any) bool { return *got.(*string) == *want.(*string) },
			}
			if err := codectest.CheckDecode(c, src, new(string), &options); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var value string
			if c.Decode(src, &value) != nil {
				continue
			}
			if !utf8.ValidString(value) || !unicode && name != "gb18030" && strings.ContainsRune(value, utf8.RuneError) {
				t.Fatalf("%s: %x decodes to %q", name, src, value)
			}
		}
	})
}
