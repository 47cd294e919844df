package cbor

import (
	"encoding/binary"
	"fmt"

	"github.com/fanfare-go/fanfare/codec"
)

// maxBignum is how many bytes an integer with tag 2 or 3 may have. One that T cannot hold is in the library's error, in decimal, which takes
// time that grows faster than its length: 4 KiB take 0.1 ms, 1 MiB takes 1 s.
const maxBignum = 4096

var errBignum = fmt.Errorf("an integer of more than %d bytes", maxBignum)

// What the first byte of an item says: its major type, and that there is no length.
const (
	majorBytes = 2
	majorText  = 3
	majorTag   = 6
	noLength   = 31
)

// checkBignums returns an error for the first integer in src that is too long. It looks at one head after the other, whatever they are in, and
// ends where src is not well-formed: that is for the library to say.
func checkBignums(src []byte) error {
	if len(src) <= maxBignum {
		return nil
	}
	tag, size, chunks := -1, uint64(0), false // where the integer begins that src[at] is in, and how long it is so far
	for at := 0; at < len(src); {
		major, info := src[at]>>5, src[at]&31
		argument, width, ok := readArgument(src[at+1:], info)
		if !ok {
			return nil
		}
		begin := at
		at += 1 + width
		switch {
		case major == majorTag && (argument == 2 || argument == 3):
			tag, size, chunks = begin, 0, false
		case major == majorBytes && info == noLength:
			chunks = true
		case (major == majorBytes || major == majorText) && argument > uint64(len(src)-at):
			return nil
		case major == majorBytes:
			if size += argument; tag >= 0 && size > maxBignum {
				return &codec.FormatError{Offset: int64(tag), Err: errBignum}
			}
			if !chunks {
				tag = -1
			}
			at += int(argument)
		case major == majorText:
			tag = -1
			at += int(argument)
		default:
			tag, chunks = -1, false
		}
	}
	return nil
}

// readArgument reads the number that follows the first byte of an item, in so many bytes, if it is not in that byte itself.
func readArgument(src []byte, info byte) (argument uint64, width int, ok bool) {
	switch {
	case info < 24:
		return uint64(info), 0, true
	case info == noLength:
		return 0, 0, true
	case info > 27 || len(src) < 1<<(info-24):
		return 0, 0, false
	}
	var number [8]byte
	width = 1 << (info - 24)
	copy(number[8-width:], src)
	return binary.BigEndian.Uint64(number[:]), width, true
}
