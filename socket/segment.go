package socket

import (
	"math"
	"slices"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

const (
	segmentSize  = 64 << 10  // bytes of one Write; larger ones gained nothing on loopback
	segmentSpan  = 512 << 10 // with large frames, which are not copied: one Write of eight of 64 KiB takes two thirds of the time of eight
	segmentFirst = 4 << 10
)

// splice is a large frame: its body follows byte at of a buffer.
type splice struct {
	at   int
	body []byte
	page *zmtp.Page // of body, with a reference; nil: it was given away for good
}

// encoded is messages in the form of the wire. Small frames are copied into buf, large ones are spliced in by reference.
type encoded struct {
	buf     []byte
	splices []splice // ascending
}

// encode appends a message and returns its size on the wire. pages are the memory of its large frames, in their order, each with a
// reference; nil: they were given away for good.
func (e *encoded) encode(frames [][]byte, pages []*zmtp.Page) (size int) {
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
		l := splice{at: len(buf), body: body}
		if pages != nil {
			l.page, pages = pages[0], pages[1:]
		}
		e.splices = append(e.splices, l)
		size += len(body)
	}
	e.buf = buf
	return size + len(buf) - start
}

// load hands everything to a decoder, piece by piece: next is called after each. The decoder's frames are views of the pieces. page is that of
// buf, nil if there is none.
func (e *encoded) load(d *zmtp.Decoder, page *zmtp.Page, next func() error) error {
	from := 0
	for _, s := range e.splices {
		d.Load(e.buf[from:s.at], page)
		if err := next(); err != nil {
			return err
		}
		d.LoadBody(s.body, s.page)
		if err := next(); err != nil {
			return err
		}
		from = s.at
	}
	d.Load(e.buf[from:], page)
	return next()
}

// drop empties it, and gives back the memory of the large frames.
func (e *encoded) drop() {
	for _, s := range e.splices {
		if s.page != nil {
			s.page.Release()
		}
	}
	clear(e.splices)
	e.buf, e.splices = e.buf[:0], e.splices[:0]
}

// keep returns frames of which the large ones may be kept: as they are, or copies in pages if they are the caller's.
func (b *base) keep(frames [][]byte, own bool) (kept [][]byte, pages []*zmtp.Page) {
	if own || !hasLarge(frames) {
		return frames, nil
	}
	kept = slices.Clone(frames)
	for i, frame := range frames {
		if len(frame) >= zmtp.LargeFrame {
			var page *zmtp.Page
			kept[i], page = b.pages.Copy(frame)
			pages = append(pages, page)
		}
	}
	return kept, pages
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
	page     *zmtp.Page // of buf, if the reader on the other side gets it (inproc)
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
	s.drop()
	clear(s.written)
	*s = segment{encoded: s.encoded, page: s.page, written: s.written[:0]}
}

// unlimited is for what we encoded ourselves.
var unlimited = zmtp.Limits{MessageBytes: math.MaxInt, Frames: math.MaxInt, CommandBytes: math.MaxInt}

// unwritten returns copies of the messages of which not every byte is among the first written ones.
func (s *segment) unwritten(written int) (messages [][][]byte) {
	if s.messages == 0 {
		return nil
	}
	d, at := zmtp.NewDecoder(unlimited, nil), 0
	_ = s.load(d, nil, func() error { // what we encoded ourselves is well-formed
		for {
			message, command, err := d.Next()
			switch {
			case command != nil:
				at += zmtp.WireSize(command)
				continue
			case message == nil:
				return err
			}
			for _, frame := range message {
				at += zmtp.WireSize(frame)
			}
			if at > written {
				messages = append(messages, deepCopy(message))
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

// give leaves what is here to a reader on the other side, and its memory: for little a page of that size, for more its own.
func (s *segment) give(pages *zmtp.Pages) (e encoded, page *zmtp.Page) {
	e, page = s.encoded, s.page
	s.encoded = encoded{}
	if page.Adopt(e.buf); len(e.buf) > cap(e.buf)/4 {
		s.page = nil
	} else {
		e.buf, page = pages.Copy(e.buf)
	}
	return e, page
}
