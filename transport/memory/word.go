package memory

import (
	"errors"
	"math"
	"time"
)

// word is what a worker says about tasks to who produces them.
type word struct {
	kind   wordKind
	task   string
	first  uint64 // the sequence, of the first task of an ack
	count  uint32 // of tasks, or of credit
	delay  time.Duration
	reason string
}

type wordKind int

const (
	credit wordKind = iota
	ack
	nack
	written // tasks were taken out of the queue: the way there is the only one who says that
)

// errAck says that a peer has acknowledged what cannot be the numbers of tasks.
var errAck = errors.New("memory: the peer has acknowledged tasks that there cannot be")

// check says whether a source may hear of it.
func (w *word) check() error {
	if w.kind == ack && (w.first == 0 || w.count == 0 || w.first > math.MaxUint64-uint64(w.count)) {
		return errAck
	}
	return nil
}

// join adds next to w, which it follows, if one word can say both. So a quick worker says little.
func (w *word) join(next word) bool {
	if w.kind != next.kind || w.task != next.task {
		return false
	}
	switch w.kind {
	case written:
		return true
	case ack:
		if next.first == 0 || w.first+uint64(w.count) != next.first {
			return false
		}
	case nack:
		return false
	case credit:
		if w.count == 0 || next.count == 0 { // 0 takes back what came before it
			return false
		}
	}
	if next.count > math.MaxUint32-w.count {
		return false
	}
	w.count += next.count
	return true
}
