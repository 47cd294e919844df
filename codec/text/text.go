// Package text has the codecs of text in a character encoding other than UTF-8, by golang.org/x/text.
//
//	var Headlines = topic.New[string]("news.cn").WithCodec(text.Must("gbk"))
package text

import (
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/codec"
)

// New returns the codec of the encoding that name stands for, or an error with the name in it when there is none. Case does not
// matter. The names are those of the IANA registry, their aliases, and the labels of the WHATWG Encoding Standard, in this order:
//
//   - utf-8; a byte order mark is a character like others
//   - utf-16, as Python does it: Append writes little endian after a byte order mark, Decode goes by the mark and takes text without
//     one for little endian; utf-16le and utf-16be neither write nor look for a mark
//   - gbk, gb18030, big5, shift_jis, euc-jp, iso-2022-jp, euc-kr and their other names
//   - iso-8859-1 (also latin-1), where each byte is the character of the same number, as the IANA and Python define it; to the WHATWG
//     this name means windows-1252, which has a name of its own here
//   - us-ascii, iso-8859-2 to iso-8859-16, windows-1250 to windows-1258, koi8-r, koi8-u, ibm437, macintosh and others
//
// The tables are those of golang.org/x/text. For the encodings of several bytes they are the WHATWG's, which has more characters than
// others know: gbk writes the euro sign as the byte 80, big5 has those of Hong Kong, shift_jis and euc-jp those of NEC and IBM, and
// euc-kr is windows-949. The encodings iso-8859-2 to 16 have no control characters 80 to 9F there.
//
// T is string or a named type of it; others, and nil pointers, are a [*codec.TypeError]. Append refuses text that the encoding cannot
// write, with an error that names the character and its offset in bytes, and text that is not UTF-8. Decode refuses bytes that mean
// nothing in the encoding with a [*codec.FormatError]. Nothing is replaced by a question mark or U+FFFD. A codec may be used from
// many goroutines at once.
func New(name string) (codec.Codec, error) {
	charset, s := lookup(name)
	if s == nil {
		return nil, fmt.Errorf("codec/text: no encoding has the name %q", name)
	}
	return &textCodec{charset, s}, nil
}

// Must is [New] for variables of a package: it panics where New returns an error.
func Must(name string) codec.Codec {
	c, err := New(name)
	if err != nil {
		panic(err)
	}
	return c
}

// A scheme writes and reads text. Its methods may be called from many goroutines at once.
type scheme interface {
	// append appends the encoding of s, which is valid UTF-8. After an error the slice is not used. The errors are of type runeError.
	append(dst []byte, s string) ([]byte, error)
	// decode returns the text of src. Its errors are of type *codec.FormatError.
	decode(src []byte) (string, error)
}

type textCodec struct {
	charset string // the MIME name in lower case
	scheme  scheme
}

// Append appends the encoding of the string that v points to.
func (c *textCodec) Append(dst []byte, v any) ([]byte, error) {
	p, err := c.stringAt(v)
	if err != nil {
		return dst, err
	}
	s := p.String()
	if !utf8.ValidString(s) {
		return dst, fmt.Errorf("codec/text: text is not valid UTF-8 at byte %d of %d", validUTF8(s), len(s))
	}
	out, err := c.scheme.append(dst, s)
	if err != nil {
		return dst, fmt.Errorf("codec/text: %s cannot write %w", c.charset, err)
	}
	return out, nil
}

// Decode stores the text of src in the string that v points to.
func (c *textCodec) Decode(src []byte, v any) error {
	p, err := c.stringAt(v)
	if err != nil {
		return err
	}
	s, err := c.scheme.decode(src)
	if err != nil {
		return err
	}
	p.SetString(s)
	return nil
}

// ContentType returns "text/plain; charset=" and the MIME name of the encoding in lower case, such as "gbk".
func (c *textCodec) ContentType() string {
	return "text/plain; charset=" + c.charset
}

// stringAt returns what v points to when that is a string of any type. A nil pointer points to the invalid kind.
func (c *textCodec) stringAt(v any) (reflect.Value, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.Elem().Kind() != reflect.String {
		return reflect.Value{}, &codec.TypeError{Codec: c.charset, Want: "a pointer to a string that is not nil", Got: reflect.TypeOf(v)}
	}
	return p.Elem(), nil
}

// runeError says which character of a text cannot be written.
type runeError struct {
	r      rune
	offset int // in bytes
}

func (e runeError) Error() string {
	return fmt.Sprintf("%#U at byte %d", e.r, e.offset)
}
