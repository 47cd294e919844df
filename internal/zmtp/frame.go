package zmtp

import "encoding/binary"

// Flags is the first byte of a frame. Bits other than the three named here are reserved and must be zero.
type Flags byte

// The flag bits of RFC 23.
const (
	More    Flags = 0x01 // another frame of the same message follows
	Long    Flags = 0x02 // the size takes eight bytes instead of one
	Command Flags = 0x04 // the body is a command; never together with More
)

const (
	shortHeader  = 2
	longHeader   = 9
	maxShortBody = 255
)

// Header is a parsed frame header.
type Header struct {
	Flags Flags
	Size  int // bytes of the body that follows
}

// ParseHeader reads a frame header from the start of b. It returns the header and the number of bytes it took, or n == 0 and no error
// when b holds only part of one. A body larger than limit, reserved flag bits, and a command with More are a [*ProtocolError],
// reported as soon as the bytes that show it are there.
func ParseHeader(b []byte, limit int) (h Header, n int, err error) {
	if len(b) == 0 {
		return Header{}, 0, nil
	}
	h.Flags = Flags(b[0])
	if h.Flags > Command|Long || h.Flags&(Command|More) == Command|More {
		return Header{}, 0, violation("frame", "flags %#02x", b[0])
	}
	var size uint64
	if h.Flags&Long == 0 {
		if len(b) < shortHeader {
			return Header{}, 0, nil
		}
		size, n = uint64(b[1]), shortHeader
	} else {
		if len(b) < longHeader {
			return Header{}, 0, nil
		}
		size, n = binary.BigEndian.Uint64(b[1:]), longHeader
	}
	if size > uint64(limit) {
		return Header{}, 0, violation("frame", "%d bytes, the limit is %d", size, limit)
	}
	h.Size = int(size)
	return h, n, nil
}

// AppendHeader appends the header of a frame whose body has size bytes. It sets Long as the size needs.
func AppendHeader(dst []byte, flags Flags, size int) []byte {
	if size <= maxShortBody {
		return append(dst, byte(flags&^Long), byte(size))
	}
	dst = append(dst, byte(flags|Long))
	return binary.BigEndian.AppendUint64(dst, uint64(size))
}

// AppendFrame appends one frame, header and body.
func AppendFrame(dst []byte, flags Flags, body []byte) []byte {
	return append(AppendHeader(dst, flags, len(body)), body...)
}

// AppendMessage appends a message of one or more frames, with More on all but the last.
func AppendMessage(dst []byte, frames [][]byte) []byte {
	last := len(frames) - 1
	for i, body := range frames {
		var flags Flags
		if i < last {
			flags = More
		}
		dst = AppendFrame(dst, flags, body)
	}
	return dst
}
