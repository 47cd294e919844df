package text

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/codec"
)

const byteOrderMark = '\uFEFF'

var errSurrogate = errors.New("half of a surrogate pair")

// order is the order of the two bytes.
type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// unicode16 is UTF-16. The one of golang.org/x/text replaces surrogates that stand alone and does not tell.
type unicode16 struct {
	order order
	mark  bool // write a byte order mark, and go by it
}

func (u unicode16) append(dst []byte, s string) ([]byte, error) {
	dst = slices.Grow(dst, 2*len(s)+2)
	if u.mark {
		dst = u.order.AppendUint16(dst, byteOrderMark)
	}
	for _, r := range s {
		if utf16.RuneLen(r) == 1 {
			dst = u.order.AppendUint16(dst, uint16(r))
			continue
		}
		high, low := utf16.EncodeRune(r)
		dst = u.order.AppendUint16(dst, uint16(high))
		dst = u.order.AppendUint16(dst, uint16(low))
	}
	return dst, nil
}

func (u unicode16) decode(src []byte) (string, error) {
	unit, at := u.order.Uint16, 0
	if u.mark && len(src) >= 2 {
		switch {
		case binary.LittleEndian.Uint16(src) == byteOrderMark:
			unit, at = binary.LittleEndian.Uint16, 2
		case binary.BigEndian.Uint16(src) == byteOrderMark:
			unit, at = binary.BigEndian.Uint16, 2
		}
	}
	var s strings.Builder
	s.Grow(len(src) / 2)
	for at < len(src) {
		if len(src)-at < 2 {
			return "", &codec.FormatError{Offset: int64(len(src)), Err: io.ErrUnexpectedEOF}
		}
		r, size := rune(unit(src[at:])), 2
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if len(src)-at >= 4 {
				low = rune(unit(src[at+2:]))
			}
			if r, size = utf16.DecodeRune(r, low), 4; r == utf8.RuneError {
				return "", &codec.FormatError{Offset: int64(at), Err: errSurrogate}
			}
		}
		s.WriteRune(r)
		at += size
	}
	return s.String(), nil
}
