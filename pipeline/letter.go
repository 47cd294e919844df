package pipeline

import (
	"strconv"

	"github.com/fanfare-go/fanfare/internal/envelope"
)

// The headers of a dead letter.
const (
	// DeadLetterReason says why the task was given up: the text of the last error.
	DeadLetterReason = "dead-letter-reason"
	// DeadLetterTask is the name of the task that it was.
	DeadLetterTask = "dead-letter-task"
	// DeadLetterAttempts is how many deliveries have failed.
	DeadLetterAttempts = "dead-letter-attempts"
)

// letter is a task on its way to the dead-letter task. Until it is there, it is not done.
type letter struct {
	seq    uint64
	slot   slot // of the letter
	to     *producer
	reason string
}

func newLetter(seq uint64, s *slot, reason string) letter {
	meta := envelope.Meta{Origin: s.from.origin, Seq: seq, Text: s.text}
	var text []byte
	for name, value := range envelope.All(s.text) {
		switch name {
		case envelope.IDProperty, DeadLetterReason, DeadLetterTask, DeadLetterAttempts:
		default:
			text = envelope.AppendProperty(text, name, value)
		}
	}
	text = envelope.AppendProperty(text, envelope.IDProperty, meta.ID())
	text = envelope.AppendProperty(text, DeadLetterReason, reason)
	text = envelope.AppendProperty(text, DeadLetterTask, s.from.depot.name)
	text = envelope.AppendProperty(text, DeadLetterAttempts, strconv.Itoa(s.failures))
	return letter{seq, slot{time: s.time, text: string(text), payload: s.payload, value: s.value}, s.from.dead, reason}
}

// send sends it, and ends the task at d, where it comes from.
func (l *letter) send(d *depot) {
	to := l.to.depot
	to.lock()
	if !to.over {
		to.queue.add(l.to, l.slot)
	}
	to.unlock()
	d.lock()
	if s := d.queue.at(l.seq); s != nil { // or the bus has ended
		d.queue.end(l.seq, s, buried, l.reason)
	}
	d.unlock()
}

// appendAttempt appends the property that counts attempts.
func appendAttempt(header []byte, attempt int) []byte {
	return envelope.AppendProperty(header, attemptProperty, strconv.Itoa(attempt))
}
