package text

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/codec"
	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

const replacement = "\uFFFD"

// table is an encoding of golang.org/x/text.
type table struct {
	encoding encoding.Encoding
	charset  string
	honest   []byte // how it writes U+FFFD; nil where it cannot, so that one in decoded text stands for an error
}

func newTable(e encoding.Encoding, charset string) table {
	honest, _ := e.NewEncoder().Bytes([]byte(replacement)) // nil with an error: the encoding has no such character
	return table{e, charset, honest}
}

// append reads what it wrote, because not everything comes back the same: GB18030 of the module writes private characters from
// U+E000 on as the bytes of others, and ISO-2022-JP an escape as the beginning of a sequence. It takes half of the time.
func (t table) append(dst []byte, s string) ([]byte, error) {
	out, _ := convert(dst, []byte(s), t.encoding.NewEncoder()) // ends before a character that it cannot write
	back, _ := convert(nil, out[len(dst):], t.encoding.NewDecoder())
	if string(back) == s {
		return out, nil
	}
	for i, r := range s {
		if size := utf8.RuneLen(r); i+size > len(back) || string(back[i:i+size]) != s[i:i+size] {
			return nil, runeError{r, i}
		}
	}
	r, _ := utf8.DecodeRuneInString(s)
	return nil, runeError{r, 0} // more came back than went in
}

func (t table) decode(src []byte) (string, error) {
	out, n := convert(make([]byte, 0, 2*len(src)), src, t.encoding.NewDecoder())
	if n == len(src) {
		n = t.invalid(src, out)
	}
	if n < len(src) {
		return "", &codec.FormatError{Offset: int64(n), Err: fmt.Errorf("not a character of %s", t.charset)}
	}
	return string(out), nil
}

// invalid returns the offset of the first bytes of src that mean nothing, or the length of src. They became U+FFFD in out.
func (t table) invalid(src, out []byte) int {
	at := 0
	for {
		i := bytes.Index(out, []byte(replacement))
		if i < 0 {
			return len(src)
		}
		// A decoder stops where the next character does not fit, which is before the bytes in question.
		_, n, _ := t.encoding.NewDecoder().Transform(make([]byte, i), src[at:], true)
		at += n
		if t.honest == nil || !bytes.HasPrefix(src[at:], t.honest) {
			return at
		}
		at += len(t.honest)
		out = out[i+len(replacement):]
	}
}

// convert appends what by makes of src to dst and returns the extended slice, and how much of src it could convert.
func convert(dst, src []byte, by transform.Transformer) (out []byte, done int) {
	dst = slices.Grow(dst, len(src))
	for {
		written, read, err := by.Transform(dst[len(dst):cap(dst)], src[done:], true)
		dst, done = dst[:len(dst)+written], done+read
		if err != transform.ErrShortDst {
			return dst, done
		}
		dst = slices.Grow(dst, 16+len(src)-done) // at least the longest of one character and its escapes
	}
}
