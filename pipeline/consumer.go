package pipeline

import (
	"errors"
	"math"
	"slices"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// consumer is who a queue gives tasks to: the workers of its own bus, or those of another process.
type consumer struct {
	queue  *queue  // nil as long as nobody produces the task; the hub's lock guards it
	remote *remote // nil: the workers of this bus
	intake *intake // theirs
	plain  bool    // gets the bare payload, and a task is done when it is written
	free   bool    // needs no credit: a plain peer

	// Guarded by the lock of the depot, or by that of the hub as long as there is no queue.
	announced bool // it has not taken back its credit
	credit    uint64
	named     *consumer // of an own peer in the plain form: the same peer for the task by its name, which is to be preferred
	full      bool      // Send said so, until Written
	gone      bool
	inHand    int   // tasks that it has
	overdue   order // tasks that it has had for too long
	written   line[handover]
}

// handover is a task that is done when it is written.
type handover struct {
	nth, seq uint64
}

// errUnable is why a consumer cannot take a task right now.
var errUnable = errors.New("pipeline: the consumer cannot take a task")

// able reports whether it can take a task.
func (c *consumer) able() bool {
	if c.full || c.gone || c.credit == 0 && !c.free {
		return false
	}
	return c.named == nil || !c.named.announced
}

// counts reports whether it is a worker that WaitWorkers counts.
func (c *consumer) counts() bool {
	if c.remote == nil || c.gone || !c.announced && !c.free {
		return false
	}
	return c.named == nil || !c.named.announced
}

// grant adds credit, or with 0 takes it back.
func (c *consumer) grant(n uint32) {
	c.announced = n > 0
	if n == 0 {
		c.credit = 0
		return
	}
	c.credit = min(c.credit+uint64(n), math.MaxUint32)
}

// send hands over a task. The error is errUnable, or what is wrong with the task.
func (c *consumer) send(seq uint64, s *slot) error {
	if c.remote == nil {
		j := job{
			seq: seq, origin: s.from.origin, time: s.time, text: s.text, payload: s.payload, value: s.value, from: s.from, attempt: s.failures + 1,
		}
		j.parts, _ = s.value.(frames)
		c.intake.put(j)
		c.credit--
		return nil
	}
	m := c.queue.message(seq, s, c.plain)
	nth, err := c.remote.worker.Send(m)
	if errors.Is(err, transport.ErrFull) && !c.full {
		c.full = true
		c.remote.watched.Store(true) // whoever writes looks at it after there is room
		if nth, err = c.remote.worker.Send(m); err == nil {
			c.full = false
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, transport.ErrFull):
		return errUnable
	case errors.Is(err, transport.ErrLost):
		c.gone = true // the word of it follows
		return errUnable
	default:
		return err
	}
	if !c.free {
		c.credit--
	}
	if c.plain {
		c.written.push(handover{nth, seq})
		c.remote.watched.Store(true)
	}
	return nil
}

// message puts a task together as the transport carries it, in memory of the queue.
func (q *queue) message(seq uint64, s *slot, plain bool) *transport.Message {
	m := &q.outgoing
	if parts, ok := s.value.(frames); ok {
		*m = transport.Message{Topic: q.depot.name, Payload: parts, Plain: plain, Owned: true}
	} else {
		q.frame[0] = s.payload
		*m = transport.Message{Topic: q.depot.name, Payload: q.frame[:], Plain: plain, Owned: len(s.payload) >= ownedSize}
	}
	if !plain {
		q.meta = envelope.Meta{Origin: s.from.origin, Seq: seq, Time: s.time, Text: s.text}
		q.header = envelope.Append(q.header[:0], &q.meta)
		if s.failures > 0 {
			q.header = appendAttempt(q.header, s.failures+1)
		}
		m.Envelope = q.header
	}
	return m
}

// settle ends the tasks that were written to a plain consumer.
func (c *consumer) settle() {
	if c.written.len() == 0 {
		return
	}
	for sent := c.remote.worker.Sent(); c.written.len() > 0 && c.written.front().nth <= sent; {
		h := c.written.pop()
		if s := c.queue.at(h.seq); s != nil && s.holder == c {
			c.queue.end(h.seq, s, handed, "")
		}
	}
}

// progress is what the consumer's transport has written.
func (c *consumer) progress() {
	c.full = false
	c.settle()
	if c.written.len() > 0 { // once more, after the mark: what is written in between is not missed
		c.remote.watched.Store(true)
		c.settle()
	}
}

// lose takes everything back from a consumer that is gone.
func (c *consumer) lose(reason string) {
	q := c.queue
	c.settle()
	c.gone, c.credit = true, 0
	q.consumers = slices.DeleteFunc(q.consumers, func(other *consumer) bool { return other == c })
	for len(c.overdue) > 0 {
		seq := c.overdue[0]
		c.overdue.drop()
		if s := q.at(seq); s != nil && s.state == overdue && s.holder == c {
			q.overdue--
			s.state, s.holder = waiting, nil
			q.giveBack(seq)
		}
	}
	if c.inHand == 0 {
		return
	}
	q.each(0, q.next, func(seq uint64, s *slot) {
		if s.state != given || s.holder != c {
			return
		}
		q.takeBack(s)
		if c.plain { // it was not written
			q.giveBack(seq)
		} else {
			q.failed(seq, s, reason, 0)
		}
	})
}
