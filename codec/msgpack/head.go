package msgpack

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/fanfare-go/fanfare/codec"
)

// head is what the first bytes of an item say about it. An item is its head and its data; the items of an array or map follow it.
type head struct {
	size  int    // bytes of the head: the code, a length, the type of an extension
	data  uint64 // bytes after it
	items uint64 // items that are inside
	ext   bool
}

var (
	errCode     = errors.New("the code 0xc1 is never used")
	errReserved = errors.New("the extension type is reserved")
)

// readHead reads the head at src[at:]. Its errors are of type *codec.FormatError. It does not look at the data.
func readHead(src []byte, at int) (head, error) {
	if at >= len(src) {
		return head{}, cutShort(src)
	}
	switch c := src[at]; {
	case c <= 0x7f || c >= 0xe0: // positive and negative fixint
		return head{size: 1}, nil
	case c <= 0x8f: // fixmap
		return head{size: 1, items: 2 * uint64(c&0x0f)}, nil
	case c <= 0x9f: // fixarray
		return head{size: 1, items: uint64(c & 0x0f)}, nil
	case c <= 0xbf: // fixstr
		return head{size: 1, data: uint64(c & 0x1f)}, nil
	case c == 0xc0 || c == 0xc2 || c == 0xc3: // nil, false, true
		return head{size: 1}, nil
	case c == 0xc1:
		return head{}, &codec.FormatError{Offset: int64(at), Err: errCode}
	case c <= 0xc6: // bin 8, 16, 32
		return sized(src, at, 1<<(c-0xc4), func(n uint64) head { return head{data: n} })
	case c <= 0xc9: // ext 8, 16, 32
		h, err := sized(src, at, 1<<(c-0xc7), func(n uint64) head { return head{data: n} })
		if err != nil {
			return head{}, err
		}
		return extension(src, at, h)
	case c <= 0xcb: // float 32, 64
		return head{size: 1, data: 4 << (c - 0xca)}, nil
	case c <= 0xcf: // uint 8, 16, 32, 64
		return head{size: 1, data: 1 << (c - 0xcc)}, nil
	case c <= 0xd3: // int 8, 16, 32, 64
		return head{size: 1, data: 1 << (c - 0xd0)}, nil
	case c <= 0xd8: // fixext 1, 2, 4, 8, 16
		return extension(src, at, head{size: 1, data: 1 << (c - 0xd4)})
	case c <= 0xdb: // str 8, 16, 32
		return sized(src, at, 1<<(c-0xd9), func(n uint64) head { return head{data: n} })
	case c <= 0xdd: // array 16, 32
		return sized(src, at, 2<<(c-0xdc), func(n uint64) head { return head{items: n} })
	default: // map 16, 32
		return sized(src, at, 2<<(c-0xde), func(n uint64) head { return head{items: 2 * n} })
	}
}

// sized returns the head that of makes of the length of width bytes after the code at src[at].
func sized(src []byte, at, width int, of func(n uint64) head) (head, error) {
	at++
	if len(src)-at < width {
		return head{}, cutShort(src)
	}
	var n uint64
	switch width {
	case 1:
		n = uint64(src[at])
	case 2:
		n = uint64(binary.BigEndian.Uint16(src[at:]))
	default:
		n = uint64(binary.BigEndian.Uint32(src[at:]))
	}
	h := of(n)
	h.size = 1 + width
	return h, nil
}

// extension returns h, which is all but the type of the head of an extension at src[at:], with it.
func extension(src []byte, at int, h head) (head, error) {
	at += h.size
	if at >= len(src) {
		return head{}, cutShort(src)
	}
	if int8(src[at]) < -1 { // -1 is the timestamp
		return head{}, &codec.FormatError{Offset: int64(at), Err: errReserved}
	}
	h.size++
	h.ext = true
	return h, nil
}

// cutShort returns the error for src when more bytes than it has were announced.
func cutShort(src []byte) error {
	return &codec.FormatError{Offset: int64(len(src)), Err: io.ErrUnexpectedEOF}
}
