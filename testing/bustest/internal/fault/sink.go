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
	of       *tasking
	sink     transport.TaskSink
	released atomic.Bool // it hears of nothing any more
	links    links[transport.TaskProducer, *producerLink]
}

func (s *sink) ProducerUp(p transport.TaskProducer) {
	l := &producerLink{sink: s, real: p, courier: s.of.of.post.hire(), tasks: map[string]*intake{}}
	s.links.add(p, l)
	s.of.add(l)
}

// ProducerDown comes after the tasks that are still on their way: only a partition overtakes them.
func (s *sink) ProducerDown(p transport.TaskProducer, err error) {
	l := s.links.find(p, true)
	if l == nil {
		return
	}
	l.gone.Store(true)
	l.courier.bring(0, func(bool) {
		l.turns.do(func() {
			l.down(err)
			l.leaveHeld()
		})
		s.of.remove(l)
		s.of.of.post.dismiss(l.courier)
	})
}

// release has the sink hear of nothing any more.
func (s *sink) release() {
	s.released.Store(true)
	s.of.removeAll(func(l aligner) bool {
		p, ok := l.(*producerLink)
		return ok && p.sink == s
	})
}

// Tasks waits until the worker has the tasks, or until there is room for them if they come later. It takes all of them: what the worker does
// not take is counted by itself.
func (s *sink) Tasks(p transport.TaskProducer, tasks []transport.Message) (taken int) {
	l, t := s.links.find(p, false), s.of.of
	if l == nil {
		return 0
	}
	pause(time.Duration(len(tasks))*t.faults.plan.Read, t.ended, nil)
	l.courier.room()
	arrived, over := slices.Clone(tasks), make(chan struct{})
	l.turns.do(func() {
		l.arrive(arrived)
		if t.faults.plan.Delay > 0 {
			close(over)
			return
		}
		l.courier.bring(0, func(bool) { close(over) }) // the worker has them
	})
	select {
	case <-over:
	case <-t.ended: // who waits for a worker must not hold that up
	}
	return len(tasks)
}

// producerLink is the connection to a producer. A worker loses the producer that it knows when one side is cut off, and gets another one
// when that is over.
type producerLink struct {
	sink    *sink
	real    transport.TaskProducer
	courier *courier
	turns   turns
	life    *producer   // what the worker knows; nil while it is cut off. Used in turns
	gone    atomic.Bool // the connection
	from    atomic.Pointer[wrapped]

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
			l.partition()
		case l.sink.released.Load():
		case !cut && l.life == nil && !l.gone.Load():
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
	if life := l.life; life != nil {
		l.life = nil
		l.mu.Lock()
		life.gone.Store(true) // after which it gives no credit, and nothing more is brought for it
		l.mu.Unlock()
		if !l.sink.released.Load() {
			l.sink.sink.ProducerDown(life, err)
		}
	}
}

// partition has the worker lose the producer, and what is on its way. It is called in turns.
func (l *producerLink) partition() {
	l.down(errPartitioned)
	l.giveBack()
	l.courier.hurry()
}

// leaveHeld gives up what waits for credit when the connection has ended.
func (l *producerLink) leaveHeld() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, i := range l.tasks {
		l.forget(i)
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
