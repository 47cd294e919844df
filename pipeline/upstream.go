package pipeline

import (
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// upstream is where an intake gets its tasks from. Its methods never wait. The depot's lock is held.
type upstream interface {
	credit(n uint32) // 0 takes back what is left
	ack(seq uint64)
	nack(seq uint64, delay time.Duration, reason string)
}

// home is the queue of the same bus.
type home struct{ consumer *consumer }

func (h home) credit(n uint32) { h.consumer.grant(n) }
func (h home) ack(seq uint64)  { h.consumer.queue.acked(seq, 1) }

func (h home) nack(seq uint64, delay time.Duration, reason string) {
	h.consumer.queue.nacked(h.consumer, seq, delay, reason)
}

// abroad is a producer in another process.
type abroad struct {
	producer transport.TaskProducer
	task     string
}

func (a abroad) credit(n uint32) { a.producer.Credit(a.task, n) }
func (a abroad) ack(seq uint64)  { a.producer.Ack(a.task, seq, 1) }

func (a abroad) nack(seq uint64, delay time.Duration, reason string) {
	a.producer.Nack(a.task, seq, delay, reason)
}

// bare is a producer in another process that sends the plain form, which is not acknowledged.
type bare struct{ producer transport.TaskProducer }

func (b bare) credit(n uint32)                  { b.producer.Credit("", n) }
func (bare) ack(uint64)                         {}
func (bare) nack(uint64, time.Duration, string) {}
