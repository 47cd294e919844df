package pipeline

import (
	"strconv"

	"github.com/fanfare-go/fanfare/internal/envelope"
)

// job is a task as its worker has it.
type job struct {
	intake  *intake
	seq     uint64
	origin  *envelope.Origin
	time    int64
	text    string
	payload []byte
	parts   [][]byte  // the payload, if it came in several parts
	value   any       // *T of the producer's type, nil: only the payload is there
	from    *producer // of a value
	attempt int       // 0: in the properties
	since   int64     // it came, Unix nanoseconds
}

// count returns which attempt it is, from 1.
func (j *job) count() int {
	if j.attempt > 0 {
		return j.attempt
	}
	text, _ := envelope.Lookup(j.text, attemptProperty)
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return 1
}

// meta returns what is known about it.
func (j *job) meta() envelope.Meta {
	return envelope.Meta{Origin: j.origin, Seq: j.seq, Time: j.time, Text: j.text}
}
