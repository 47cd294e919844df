package fault

import (
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// intake is what is under way of one task, by its name, "" for the plain form. The lock of the link guards it.
//
// The worker counts the credit that it has given, and ends connections that bring more than that: so a task that is dropped gives the
// producer credit again, and one that comes twice waits until the worker gives more credit, of which the producer gets one less.
type intake struct {
	open   bool                // the worker has not taken its credit back
	left   uint64              // what it expects
	late   uint64              // what it has taken back, and expects nevertheless
	held   []held              // what comes when there is credit: for the second time, or because its own was of before a partition
	undone map[uint64]struct{} // what has arrived and has no answer
}

// held is a task that the worker gets later.
type held struct {
	message transport.Message
	arrival arrival
	again   bool // it has come before
}

// intake returns what is under way of a task. The lock is held.
func (l *producerLink) intake(task string) *intake {
	i := l.tasks[task]
	if i == nil {
		i = &intake{undone: map[uint64]struct{}{}}
		l.tasks[task] = i
	}
	return i
}

// arrive decides what becomes of tasks. It is called in turns.
func (l *producerLink) arrive(tasks []transport.Message) {
	t := l.sink.of.of
	for i := range tasks {
		m := &tasks[i]
		a, h, from := t.describe(aTask, m)
		if from != nil && l.from.CompareAndSwap(nil, from) && from.cut.Load() {
			l.partition()
		}
		if l.life == nil {
			t.withheld.Add(1)
			t.faults.log.lost(t.name, a)
			l.refuse(m, h)
			continue
		}
		fate := t.faults.fate(a)
		if !l.admit(m, h, a, fate) {
			t.withheld.Add(1)
			if fate.drop {
				t.faults.log.dropped(a)
			}
			continue
		}
		if fate.duplicate {
			t.faults.log.duplicated(a)
		}
		if fate.delay > 0 {
			t.faults.log.delayed()
		}
		l.bring(fate.delay, l.life, held{*m, a, false})
		if fate.duplicate && l.real.Peer().Plain {
			t.withheld.Add(-1)
			l.bring(fate.delay, l.life, held{copied(m), a, true}) // it needs no credit
		}
	}
}

// taskOf is what credit for m is given by.
func taskOf(m *transport.Message) string {
	if m.Envelope == nil {
		return ""
	}
	return m.Topic
}

// refuse gives a task back that has come while there is no worker.
func (l *producerLink) refuse(m *transport.Message, h envelope.Header) {
	if m.Envelope != nil {
		l.real.Nack(m.Topic, h.Seq, 0, errPartitioned.Error())
	}
}

// admit keeps the credit right, and reports whether the worker gets the task.
func (l *producerLink) admit(m *transport.Message, h envelope.Header, a arrival, f fate) bool {
	if l.real.Peer().Plain {
		return !f.drop
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	task := taskOf(m)
	i := l.intake(task)
	if f.drop {
		if m.Envelope != nil {
			i.undone[h.Seq] = struct{}{} // the end of the connection tells that it was not done
		}
		if i.open {
			l.real.Credit(task, 1)
		}
		return false
	}
	switch {
	case i.left > 0:
		i.left--
	case i.late > 0:
		i.late--
	case l.again && m.Envelope != nil: // by credit of before the partition
		l.real.Nack(task, h.Seq, 0, "")
		return false
	case l.again: // as well, but it cannot be given back
		i.held = append(i.held, held{copied(m), a, false})
		return false
	}
	if m.Envelope != nil {
		i.undone[h.Seq] = struct{}{}
	}
	if f.duplicate && i.open {
		i.held = append(i.held, held{copied(m), a, true})
	}
	return true
}

// bring hands a task to the worker later.
func (l *producerLink) bring(after time.Duration, life *producer, h held) {
	l.sink.of.of.undelivered.Add(1)
	l.courier.bring(after, func(given bool) {
		if given {
			l.turns.take(func() { l.hand(life, h) })
		}
	})
}

// hand hands a task over, unless the producer is gone: then a partition has overtaken it. It is called in turns.
func (l *producerLink) hand(life *producer, h held) {
	t := l.sink.of.of
	switch {
	case l.sink.released.Load():
		t.leave()
	case life != l.life:
		t.withheld.Add(1)
		if !h.again {
			t.faults.log.lost(t.name, h.arrival)
		}
	case l.sink.sink.Tasks(life, []transport.Message{h.message}) == 0:
		t.leave()
	}
	t.undelivered.Add(-1)
}
