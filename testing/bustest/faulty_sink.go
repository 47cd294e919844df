package bustest

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// sink is a transport.TaskSink that tasks come to by way of the faults.
type sink struct {
	of   *tasking
	sink transport.TaskSink

	mu    sync.Mutex
	links map[transport.TaskProducer]*producerLink
}

func (s *sink) ProducerUp(p transport.TaskProducer) {
	l := &producerLink{sink: s, real: p, tasks: map[string]*intake{}}
	s.mu.Lock()
	s.links[p] = l
	s.mu.Unlock()
	s.of.add(l)
}

// link returns the link to a producer, and forgets it if it is gone.
func (s *sink) link(p transport.TaskProducer, gone bool) *producerLink {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.links[p]
	if gone {
		delete(s.links, p)
	}
	return l
}

func (s *sink) ProducerDown(p transport.TaskProducer, err error) {
	if l := s.link(p, true); l != nil {
		s.of.remove(l)
		l.turns.do(func() { l.down(err) })
	}
}

func (s *sink) Tasks(p transport.TaskProducer, tasks []transport.Message) (taken int) {
	l, t := s.link(p, false), s.of.of
	if l == nil {
		return 0
	}
	pause(time.Duration(len(tasks))*t.faults.plan.Read, t.ended, nil)
	s.of.tasks.room()
	result := new(int) // of the turn, which may be taken by somebody else, later
	arrived := slices.Clone(tasks)
	if l.turns.do(func() { *result = l.arrive(arrived) }) {
		return *result
	}
	return len(tasks)
}

// producerLink is the connection to a producer. A worker loses the producer that it knows when one side is cut off, and gets another one
// when that is over.
type producerLink struct {
	sink  *sink
	real  transport.TaskProducer
	turns turns
	life  *producer // what the worker knows; nil while it is cut off. Used in turns
	gone  bool      // the connection. Used in turns
	from  atomic.Pointer[faulty]

	mu    sync.Mutex // comes last; the methods of the producer, which never wait, are called under it: their order counts
	tasks map[string]*intake
	again bool // it has been cut off before, so that tasks may come by credit of that time
}

// intake is what is under way of one task, by its name, "" for the plain form. The lock of the link guards it.
//
// The worker counts the credit that it has given, and ends connections that bring more than that: so a task that is dropped gives the producer credit
// again, and one that comes twice waits until the worker gives more credit, of which the producer gets one less.
type intake struct {
	open   bool                // the worker has not taken its credit back
	left   uint64              // what it expects
	late   uint64              // what it has taken back, and expects nevertheless
	twice  []transport.Message // what comes when there is credit: for the second time, or because its own was of before a partition
	undone map[uint64]struct{} // what has arrived and has no answer
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

// cut reports whether one side is cut off.
func (l *producerLink) cut() bool {
	from := l.from.Load()
	return l.sink.of.of.cut.Load() || from != nil && from.cut.Load()
}

// align has the worker lose the producer, or get it. Nobody waits for that of a plain one, whose tasks may wait for a worker.
func (l *producerLink) align() <-chan struct{} {
	done := make(chan struct{})
	if l.real.Peer().Plain {
		close(done)
	}
	l.turns.do(func() {
		switch cut := l.cut(); {
		case cut && l.life != nil:
			l.down(errPartitioned)
			l.giveBack()
		case !cut && l.life == nil && !l.gone:
			l.life = &producer{link: l}
			l.sink.sink.ProducerUp(l.life)
		}
		if !l.real.Peer().Plain {
			close(done)
		}
	})
	return done
}

// down has the worker lose the producer. It is called in turns.
func (l *producerLink) down(err error) {
	l.gone = err != errPartitioned
	if life := l.life; life != nil {
		l.life = nil
		life.gone.Store(true)
		l.sink.sink.ProducerDown(life, err)
	}
}

// giveBack tells the other side what the loss of the connection would have told it: there is no worker, and it has not done what it has.
func (l *producerLink) giveBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.again = true
	for _, task := range slices.Sorted(maps.Keys(l.tasks)) {
		i := l.tasks[task]
		if i.open {
			l.real.Credit(task, 0)
		}
		for _, seq := range slices.Sorted(maps.Keys(i.undone)) {
			l.real.Nack(task, seq, 0, errPartitioned.Error())
		}
		l.forget(i)
	}
	clear(l.tasks)
}

// forget gives up what waits for credit: there will be none. What is not acknowledged is lost with that. The lock is held.
func (l *producerLink) forget(i *intake) {
	t := l.sink.of.of
	for n := range i.twice {
		if m := &i.twice[n]; m.Envelope == nil {
			a, _, _ := t.describe(aTask, m)
			t.faults.log.lost(t.name, a)
		}
	}
	i.twice = nil
}

// arrive decides what becomes of tasks. It is called in turns.
func (l *producerLink) arrive(tasks []transport.Message) (taken int) {
	t := l.sink.of.of
	var batch []transport.Message
	for i := range tasks {
		m := &tasks[i]
		a, h, from := t.describe(aTask, m)
		if from != nil && l.from.CompareAndSwap(nil, from) && from.cut.Load() {
			l.down(errPartitioned)
			l.giveBack()
		}
		if l.life == nil {
			t.withheld.Add(1)
			t.faults.log.lost(t.name, a)
			l.refuse(m, h)
			continue
		}
		fate := t.faults.fate(a)
		if !l.admit(m, h, fate) {
			t.withheld.Add(1)
			if fate.drop {
				t.faults.log.dropped(a)
			}
			continue
		}
		if fate.duplicate {
			t.faults.log.duplicated(a)
		}
		if t.faults.plan.Delay > 0 {
			l.delay(fate.delay, *m)
		} else {
			batch = append(batch, *m)
			if fate.duplicate && l.real.Peer().Plain {
				batch = append(batch, copied(m)) // it needs no credit
				t.withheld.Add(-1)
			}
		}
	}
	if len(batch) > 0 {
		return len(tasks) - len(batch) + min(l.sink.sink.Tasks(l.life, batch), len(batch))
	}
	return len(tasks)
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
func (l *producerLink) admit(m *transport.Message, h envelope.Header, f fate) bool {
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
		i.twice = append(i.twice, copied(m))
		return false
	}
	if m.Envelope != nil {
		i.undone[h.Seq] = struct{}{}
	}
	if f.duplicate && i.open {
		i.twice = append(i.twice, copied(m))
	}
	return true
}

// delay hands a task to the worker later.
func (l *producerLink) delay(after time.Duration, m transport.Message) {
	life := l.life
	if after > 0 {
		l.sink.of.of.faults.log.delayed()
	}
	l.sink.of.tasks.bring(after, func() { l.hand(life, m) })
}

// hand hands a task over, unless the producer is gone.
func (l *producerLink) hand(life *producer, m transport.Message) {
	l.turns.do(func() {
		if life == l.life {
			l.sink.sink.Tasks(life, []transport.Message{m})
		}
	})
}

// producer is a transport.TaskProducer as the bus knows it, until its connection is lost or cut off.
type producer struct {
	link *producerLink
	gone atomic.Bool
}

func (p *producer) Peer() transport.Peer { return p.link.real.Peer() }

func (p *producer) Reject(reason error) {
	if !p.gone.Load() {
		p.link.real.Reject(reason)
	}
}

// Credit uses some of the credit for what comes twice.
func (p *producer) Credit(task string, n uint32) {
	l := p.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.gone.Load() || p.Peer().Plain {
		return
	}
	i := l.intake(task)
	if i.open = n > 0; n == 0 {
		l.forget(i)
		i.late, i.left = i.late+i.left, 0
		l.real.Credit(task, 0)
		return
	}
	again := min(len(i.twice), int(n))
	for _, m := range i.twice[:again] {
		l.sink.of.of.withheld.Add(-1)
		l.sink.of.tasks.bring(0, func() { l.hand(p, m) })
	}
	i.twice = i.twice[again:]
	n -= uint32(again)
	i.left += uint64(n)
	if n > 0 {
		l.real.Credit(task, n)
	}
}

func (p *producer) Ack(task string, first uint64, count uint32) {
	l := p.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.gone.Load() {
		return
	}
	maps.DeleteFunc(l.intake(task).undone, func(seq uint64, _ struct{}) bool { return first <= seq && seq-first < uint64(count) })
	l.real.Ack(task, first, count)
}

func (p *producer) Nack(task string, seq uint64, delay time.Duration, reason string) {
	l := p.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.gone.Load() {
		return
	}
	delete(l.intake(task).undone, seq)
	l.real.Nack(task, seq, delay, reason)
}
