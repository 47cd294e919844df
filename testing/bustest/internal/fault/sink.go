package fault

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
	from  atomic.Pointer[wrapped]

	mu    sync.Mutex // comes last; the methods of the producer, which never wait, are called under it: their order counts
	tasks map[string]*intake
	again bool // it has been cut off before, so that tasks may come by credit of that time
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
		life.cut = !l.gone
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

// forget gives up what waits for credit: there will be none. What has not come before is lost with that. The lock is held.
func (l *producerLink) forget(i *intake) {
	t := l.sink.of.of
	for _, h := range i.held {
		if !h.again {
			t.faults.log.lost(t.name, h.arrival)
		}
	}
	i.held = nil
}
