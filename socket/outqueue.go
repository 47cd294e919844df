package socket

import (
	"sync"
	"sync/atomic"
)

const (
	segmentSize  = 64 << 10 // bytes of one Write; larger ones gained nothing on loopback
	segmentFirst = 4 << 10
	largeFrame   = 16 << 10 // frames from here on are queued by reference and written with writev
	maxAnswers   = 1024     // PONGs waiting to be written
)

// splice is a large frame: its body follows byte at of a buffer.
type splice struct {
	at   int
	body []byte
}

// segment is a piece of a connection's output: about as much as one Write takes.
type segment struct {
	next     *segment
	buf      []byte
	splices  []splice
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
	*s = segment{buf: s.buf[:0], splices: s.splices[:0], written: s.written[:0]}
}

// outQueue is what waits to be written to one connection: encoded bytes in a list of segments. Many goroutines push, one takes.
// An idle queue holds no buffer.
type outQueue struct {
	pool *sync.Pool     // of *segment
	hwm  int            // negative: none
	late *atomic.Uint64 // counts messages for a queue that is closed

	mu         sync.Mutex
	ready      sync.Cond // the writer waits here
	idle       bool      // and this says so
	head, tail *segment
	messages   int // queued and not yet written
	answers    int
	sent       uint64
	dropped    uint64
	closed     bool
}

func (q *outQueue) init(hwm int, pool *sync.Pool, late *atomic.Uint64) {
	q.hwm, q.pool, q.late = hwm, pool, late
	q.ready.L = &q.mu
}

func (q *outQueue) lock() { q.mu.Lock() }

// unlock also wakes the writer when there is something to write: after the lock is free, or it would wake to wait again.
func (q *outQueue) unlock() {
	wake := q.idle && q.head != nil
	if wake {
		q.idle = false
	}
	q.mu.Unlock()
	if wake {
		q.ready.Signal()
	}
}

// push queues a message, or drops and counts it when the queue is full. base is where data begins for the offsets of splices. The caller
// holds the lock.
func (q *outQueue) push(data []byte, splices []splice, base, size int) {
	if q.closed {
		q.late.Add(1)
		return
	}
	if q.hwm >= 0 && q.messages >= q.hwm {
		q.dropped++
		return
	}
	s := q.room()
	for _, l := range splices {
		s.splices = append(s.splices, splice{at: len(s.buf) + l.at - base, body: l.body})
	}
	s.buf = append(s.buf, data...)
	s.size += size
	s.messages++
	q.messages++
}

// control queues frames that no limit applies to. written, if not nil, is called by the writer after they were written.
func (q *outQueue) control(data []byte, written func()) {
	q.lock()
	defer q.unlock()
	if q.closed {
		return
	}
	s := q.room()
	s.buf = append(s.buf, data...)
	s.size += len(data)
	if written != nil {
		s.written = append(s.written, written)
	}
}

// answer queues a PONG. It returns false when too many wait: the peer does not read.
func (q *outQueue) answer(pong []byte) bool {
	q.lock()
	defer q.unlock()
	if q.answers >= maxAnswers {
		return false
	}
	if !q.closed {
		s := q.room()
		s.buf = append(s.buf, pong...)
		s.size += len(pong)
		s.answers++
		q.answers++
	}
	return true
}

func (q *outQueue) room() *segment {
	if q.tail != nil && q.tail.size < segmentSize {
		return q.tail
	}
	s := q.pool.Get().(*segment)
	if q.tail == nil {
		q.head = s
	} else {
		q.tail.next = s
	}
	q.tail = s
	return s
}

// take waits for output and returns the oldest segment, nil when the queue is closed.
func (q *outQueue) take() *segment {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.head == nil && !q.closed {
		q.idle = true
		q.ready.Wait()
	}
	if q.closed {
		return nil
	}
	s := q.head
	if q.head = s.next; q.head == nil {
		q.tail = nil
	}
	return s
}

// done gives a segment back after it was written.
func (q *outQueue) done(s *segment) {
	q.mu.Lock()
	if !q.closed { // close has counted them as dropped
		q.messages -= s.messages
		q.answers -= s.answers
		q.sent += uint64(s.messages)
	}
	q.mu.Unlock()
	for _, written := range s.written {
		written()
	}
	s.reset()
	q.pool.Put(s)
}

// close ends the queue. What was not written, a segment being written included, is counted as dropped.
func (q *outQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	q.dropped += uint64(q.messages)
	q.messages, q.head, q.tail = 0, nil, nil
	q.ready.Signal()
}

func (q *outQueue) counts() (queued int, sent, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.messages, q.sent, q.dropped
}
