package socket

import (
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// encoder holds messages encoded once for all peers. It is used by one goroutine and goes back to its pool.
type encoder struct {
	buf     []byte
	splices []splice // offsets are in buf
	parcels []parcel
}

// parcel is one message in an encoder.
type parcel struct {
	topic                  []byte // the first frame, of the caller
	start, end             int    // in buf
	firstSplice, endSplice int
	size                   int // on the wire
}

// add encodes a message. Large frames are taken by reference if the message is owned, else as a copy.
func (e *encoder) add(frames [][]byte, owned bool) {
	p := parcel{topic: frames[0], start: len(e.buf), firstSplice: len(e.splices)}
	last := len(frames) - 1
	for i, body := range frames {
		var flags zmtp.Flags
		if i < last {
			flags = zmtp.More
		}
		if len(body) < largeFrame {
			e.buf = zmtp.AppendFrame(e.buf, flags, body)
			continue
		}
		if !owned {
			body = slices.Clone(body)
		}
		e.buf = zmtp.AppendHeader(e.buf, flags, len(body))
		e.splices = append(e.splices, splice{at: len(e.buf), body: body})
		p.size += len(body)
	}
	p.end, p.endSplice = len(e.buf), len(e.splices)
	p.size += p.end - p.start
	e.parcels = append(e.parcels, p)
}

// pushTo queues one of the messages. The caller holds the queue's lock.
func (e *encoder) pushTo(q *outQueue, p *parcel) {
	q.push(e.buf[p.start:p.end], e.splices[p.firstSplice:p.endSplice], p.start, p.size)
}

func (e *encoder) reset() {
	if cap(e.buf) > 4*segmentSize {
		e.buf = nil
	}
	clear(e.splices)
	clear(e.parcels)
	e.buf, e.splices, e.parcels = e.buf[:0], e.splices[:0], e.parcels[:0]
}

func hasLarge(frames [][]byte) bool {
	for _, frame := range frames {
		if len(frame) >= largeFrame {
			return true
		}
	}
	return false
}

func newEncoders() *sync.Pool { return &sync.Pool{New: func() any { return new(encoder) }} }
