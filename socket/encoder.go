package socket

import (
	"sync"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// encoder holds messages encoded once for all peers. It is used by one goroutine and goes back to its pool.
type encoder struct {
	encoded
	parcels []parcel
	size    int // of all of them on the wire
}

// parcel is one message in an encoder. It has no pointers: clearing those was a tenth of the cost of a small message.
type parcel struct {
	start, end             int // in buf
	topic                  int // where the first frame's body begins in buf, if it is there
	topicSize              int
	firstSplice, endSplice int
	size                   int // on the wire
}

// add encodes a message.
func (e *encoder) add(frames [][]byte, pages []*zmtp.Page) {
	topic := frames[0]
	p := parcel{start: len(e.buf), topicSize: len(topic), firstSplice: len(e.splices)}
	p.topic = p.start + zmtp.HeaderSize(len(topic))
	p.size = e.encode(frames, pages)
	p.end, p.endSplice = len(e.buf), len(e.splices)
	e.size += p.size
	e.parcels = append(e.parcels, p)
}

// topic returns the first frame of a message.
func (e *encoder) topic(p *parcel) []byte {
	if p.topicSize >= zmtp.LargeFrame {
		return e.splices[p.firstSplice].body
	}
	return e.buf[p.topic : p.topic+p.topicSize]
}

// pushTo queues one of the messages. The caller holds the queue's lock.
func (e *encoder) pushTo(q *outQueue, p *parcel) {
	q.push(e.buf[p.start:p.end], e.splices[p.firstSplice:p.endSplice], p.start, p.size)
}

func (e *encoder) reset() {
	if cap(e.buf) > 4*segmentSize {
		e.buf = nil
	}
	e.drop()
	e.parcels, e.size = e.parcels[:0], 0
}

func newEncoders() *sync.Pool { return &sync.Pool{New: func() any { return new(encoder) }} }
