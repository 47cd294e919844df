package socket

import (
	"math"
	"slices"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

const (
	segmentSize  = 64 << 10 // bytes of one Write; larger ones gained nothing on loopback
	segmentFirst = 4 << 10
)

// splice is a large frame: its body follows byte at of a buffer.
type splice struct {
	at   int
	body []byte
}

// encoded is messages in the form of the wire. Small frames are copied into buf, large ones are spliced in by reference.
type encoded struct {
	buf     []byte
	splices []splice // ascending
}

// encode appends a message and returns its size on the wire. Large frames must be owned.
func (e *encoded) encode(frames [][]byte) (size int) {
	buf, last := e.buf, len(frames)-1
	start := len(buf)
	for i, body := range frames {
		var flags zmtp.Flags
		if i < last {
			flags = zmtp.More
		}
		buf = zmtp.AppendHeader(buf, flags, len(body))
		if len(body) < zmtp.LargeFrame {
			buf = append(buf, body...)
			continue
		}
		e.splices = append(e.splices, splice{at: len(buf), body: body})
		size += len(body)
	}
	e.buf = buf
	return size + len(buf) - start
}

// load hands everything to a decoder, piece by piece: next is called after each. The decoder's frames are views of the pieces.
func (e *encoded) load(d *zmtp.Decoder, next func() error) error {
	from := 0
	for _, s := range e.splices {
		d.Load(e.buf[from:s.at])
		if err := next(); err != nil {
			return err
		}
		d.LoadBody(s.body)
		if err := next(); err != nil {
			return err
		}
		from = s.at
	}
	d.Load(e.buf[from:])
	return next()
}

// owned returns frames of which the large ones may be kept: as they are, or as copies of those that are the caller's.
func owned(frames [][]byte, own bool) [][]byte {
	if own || !hasLarge(frames) {
		return frames
	}
	kept := slices.Clone(frames)
	for i, frame := range kept {
		if len(frame) >= zmtp.LargeFrame {
			kept[i] = slices.Clone(frame)
		}
	}
	return kept
}

func hasLarge(frames [][]byte) bool {
	for _, frame := range frames {
		if len(frame) >= zmtp.LargeFrame {
			return true
		}
	}
	return false
}

// segment is a piece of a connection's output: about as much as one Write takes.
type segment struct {
	encoded
	next     *segment
	size     int // bytes, those of the spliced bodies included
	messages int
	answers  int
	written  []func() // called by the writer after the segment was written
}

func (s *segment) reset() {
	if cap(s.buf) > 2*segmentSize {
		s.buf = nil
	}
	clear(s.splices)
	clear(s.written)
	*s = segment{encoded: encoded{buf: s.buf[:0], splices: s.splices[:0]}, written: s.written[:0]}
}

// unlimited is for what we encoded ourselves.
var unlimited = zmtp.Limits{MessageBytes: math.MaxInt, Frames: math.MaxInt, CommandBytes: math.MaxInt}

// unwritten returns copies of the messages of which not every byte is among the first written ones.
func (s *segment) unwritten(written int) (messages [][][]byte) {
	if s.messages == 0 {
		return nil
	}
	d, at := zmtp.NewDecoder(unlimited), 0
	_ = s.load(d, func() error { // what we encoded ourselves is well-formed
		for {
			u, ok, err := d.Next()
			if err != nil || !ok {
				return err
			}
			if u.Command != nil {
				at += zmtp.WireSize(u.Command)
				continue
			}
			for _, frame := range u.Message {
				at += zmtp.WireSize(frame)
			}
			if at > written {
				messages = append(messages, deepCopy(u.Message))
			}
		}
	})
	return messages
}

// deepCopy copies the small frames of a message into memory of their own. Large ones are owned already.
func deepCopy(frames [][]byte) [][]byte {
	size := 0
	for _, frame := range frames {
		if len(frame) < zmtp.LargeFrame {
			size += len(frame)
		}
	}
	kept, buf := make([][]byte, len(frames)), make([]byte, 0, size)
	for i, frame := range frames {
		if len(frame) >= zmtp.LargeFrame {
			kept[i] = frame
			continue
		}
		start := len(buf)
		buf = append(buf, frame...)
		kept[i] = buf[start:len(buf):len(buf)]
	}
	return kept
}
