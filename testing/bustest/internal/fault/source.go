package fault

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// source is a transport.TaskSource that acknowledgements come to by way of the faults.
type source struct {
	of       *tasking
	source   transport.TaskSource
	released atomic.Bool // it hears of nothing any more
	links    links[transport.TaskWorker, *workerLink]
}

func (s *source) WorkerUp(w transport.TaskWorker) {
	l := &workerLink{source: s, real: w, courier: s.of.of.post.hire(), tasks: map[string]*output{}}
	s.links.add(w, l)
	s.of.add(l)
}

// WorkerDown comes after the news of tasks that are still on their way: only a partition overtakes them.
func (s *source) WorkerDown(w transport.TaskWorker, err error) {
	l := s.links.find(w, true)
	if l == nil {
		return
	}
	l.gone.Store(true)
	l.courier.bring(0, func(bool) {
		l.turns.do(func() { l.down(err) })
		s.of.remove(l)
		s.of.of.post.dismiss(l.courier)
	})
}

// release has the source hear of nothing any more.
func (s *source) release() {
	s.released.Store(true)
	s.of.removeAll(func(l aligner) bool {
		w, ok := l.(*workerLink)
		return ok && w.source == s
	})
}

// Credit is never lost: what comes while the transport is cut off is told after that.
func (s *source) Credit(w transport.TaskWorker, task string, n uint32) {
	l := s.links.find(w, false)
	if l == nil {
		return
	}
	l.turns.do(func() {
		l.grant(task, n)
		if life := l.life.Load(); life != nil {
			s.source.Credit(life, task, n)
		}
	})
}

func (s *source) Written(w transport.TaskWorker) {
	if l := s.links.find(w, false); l != nil {
		if life := l.life.Load(); life != nil {
			s.source.Written(life)
		}
	}
}

func (s *source) Ack(w transport.TaskWorker, task string, first uint64, count uint32) {
	if l := s.links.find(w, false); l != nil {
		l.courier.room()
		l.turns.do(func() { l.acked(task, first, count) })
	}
}

func (s *source) Nack(w transport.TaskWorker, task string, seq uint64, delay time.Duration, reason string) {
	if l := s.links.find(w, false); l != nil {
		l.courier.room()
		l.turns.do(func() {
			l.news(aNack, task, seq, func(life *worker) { s.source.Nack(life, task, seq, delay, reason) })
		})
	}
}

// workerLink is the connection to a process with workers. A producer loses the one that it knows when its transport is cut off, and gets
// another one, with the credit that there is, when that is over.
type workerLink struct {
	source  *source
	real    transport.TaskWorker
	courier *courier
	turns   turns
	life    atomic.Pointer[worker] // what the producer knows; nil while it is cut off. Changed in turns
	gone    atomic.Bool            // the connection

	mu    sync.Mutex
	tasks map[string]*output
}

// output is what goes to a worker of one task, by its name, "" for the plain form. The lock of the link guards it.
type output struct {
	credit uint64           // what the worker still expects
	last   uint64           // the last task that it was given
	given  map[uint64]given // by the numbers of the tasks
}

// given is a task that a worker was given, as far as the fate of what is told of it depends on that. Nobody can say when nothing more is
// told of it: it stays as long as the connection.
type given struct {
	attempt uint64 // of which it was
	told    uint64 // how often something was told of it
}

// output returns what goes to the worker of a task. The lock is held.
func (l *workerLink) output(task string) *output {
	o := l.tasks[task]
	if o == nil {
		o = &output{given: map[uint64]given{}}
		l.tasks[task] = o
	}
	return o
}

// align has the producer lose the worker, or get it.
func (l *workerLink) align() <-chan struct{} {
	done := make(chan struct{})
	l.turns.do(func() {
		defer close(done)
		switch cut := l.source.of.of.cut.Load(); {
		case cut && l.life.Load() != nil:
			l.down(errPartitioned)
			l.courier.hurry()
		case l.source.released.Load():
		case !cut && l.life.Load() == nil && !l.gone.Load():
			life := &worker{link: l}
			l.life.Store(life)
			l.source.source.WorkerUp(life)
			for task, n := range l.credits() {
				l.source.source.Credit(life, task, n)
			}
		}
	})
	return done
}

// down has the producer lose the worker. It is called in turns.
func (l *workerLink) down(err error) {
	if life := l.life.Swap(nil); life != nil {
		life.gone.Store(true)
		if !l.source.released.Load() {
			l.source.source.WorkerDown(life, err)
		}
	}
}

// grant adds credit; 0 takes it back.
func (l *workerLink) grant(task string, n uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.output(task)
	if n == 0 {
		o.credit = 0
		return
	}
	o.credit = min(o.credit+uint64(n), 1<<32-1)
}

// credits returns what the worker still expects.
func (l *workerLink) credits() map[string]uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]uint32{}
	for task, o := range l.tasks {
		if o.credit > 0 {
			all[task] = uint32(o.credit)
		}
	}
	return all
}

// acked decides what becomes of acknowledgements, of each by itself, but for those that nothing was given for: there may be billions of
// them. It is called in turns.
func (l *workerLink) acked(task string, first uint64, count uint32) {
	s := l.source.source
	l.mu.Lock()
	end := min(first+uint64(count), max(first, l.output(task).last+1))
	l.mu.Unlock()
	for seq := first; seq < end; seq++ {
		l.news(anAck, task, seq, func(life *worker) { s.Ack(life, task, seq, 1) })
	}
	if rest := count - uint32(end-first); rest > 0 {
		if life := l.life.Load(); life != nil {
			s.Ack(life, task, end, rest)
		}
	}
}

// news decides what becomes of news about a task. It is called in turns.
func (l *workerLink) news(kind, task string, seq uint64, tell func(*worker)) {
	t := l.source.of.of
	l.mu.Lock()
	all := l.output(task).given
	g := all[seq]
	all[seq] = given{g.attempt, g.told + 1}
	l.mu.Unlock()
	a := arrival{kind: kind, topic: task, to: t.name, seq: seq, attempt: g.attempt, again: g.told}
	fate := t.faults.fate(a)
	life := l.life.Load()
	switch {
	case life == nil:
		t.faults.log.lost(t.name, a)
		return
	case fate.drop:
		t.faults.log.dropped(a)
		return
	case fate.duplicate:
		t.faults.log.duplicated(a)
		once := tell
		tell = func(life *worker) { once(life); once(life) }
	}
	if t.faults.plan.Delay == 0 {
		tell(life)
		return
	}
	if fate.delay > 0 {
		t.faults.log.delayed()
	}
	l.courier.bring(fate.delay, func(given bool) {
		if !given {
			return
		}
		l.turns.do(func() {
			switch {
			case l.source.released.Load():
			case life == l.life.Load():
				tell(life)
			default: // a partition has overtaken it
				t.faults.log.lost(t.name, a)
			}
		})
	})
}
