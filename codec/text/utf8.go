package text

import (
	"errors"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/codec"
)

var errUTF8 = errors.New("not valid UTF-8")

// unicode8 is UTF-8.
type unicode8 struct{}

func (unicode8) append(dst []byte, s string) ([]byte, error) {
	return append(dst, s...), nil
}

func (unicode8) decode(src []byte) (string, error) {
	if s := string(src); utf8.ValidString(s) {
		return s, nil
	}
	return "", &codec.FormatError{Offset: int64(validUTF8(string(src))), Err: errUTF8}
}

// validUTF8 returns how many of the first bytes of s are valid.
func validUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return len(s)
}
