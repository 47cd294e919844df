package memory

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

// maxAnnounced is how many names of tasks a peer may announce while nobody produces.
const maxAnnounced = 4096

// errAnnounced says that a peer has announced too many.
var errAnnounced = errors.New("memory: the peer has announced more than 4096 names of tasks")

// pushing gives the tasks of a source to the workers, which are the peers of a transport.
type pushing struct {
	mu      sync.Mutex
	source  *production // nil while nobody produces
	workers []*worker   // in the order in which they came
}

// production is one call of Produce.
type production struct{ transport.TaskSource }

// Produce makes s the source of tasks. The error is a [*transport.InUseError] or [ErrClosed]. What peers announce before it is called is
// remembered, up to 4096 names of tasks for each; one that announces more is rejected.
func (t *Transport) Produce(s transport.TaskSource) (release func(), err error) {
	p, now := &t.pushing, &production{s}
	p.mu.Lock()
	switch {
	case t.refusing.Load():
		err = ErrClosed
	case p.source != nil:
		err = &transport.InUseError{What: "Produce"}
	}
	if err != nil {
		p.mu.Unlock()
		return nil, err
	}
	p.source = now
	p.mu.Unlock()
	for _, w := range p.all() {
		w.introduce()
	}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.source = nil
	}), nil
}

func (p *pushing) now() *production {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.source
}

// all returns the workers.
func (p *pushing) all() []*worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.workers)
}

// worker is a peer that a transport may give tasks to. It is a transport.TaskWorker.
type worker struct {
	of       *Transport // that gives
	peer     transport.Peer
	producer *producer // the other side
	box      mailbox[word]

	calls sync.Mutex // held while the source is called: one call at a time
	told  *production
	early map[string]uint32 // credit that came while nobody produced
	gone  bool
}

// introduce tells the source, if there is one, of the worker.
func (w *worker) introduce() {
	w.calls.Lock()
	defer w.calls.Unlock()
	w.tell(w.of.pushing.now())
}

// tell tells s, which may be nil, of the worker, unless it was told or the worker is gone. It reports whether s is to hear of the worker.
// The caller holds calls.
func (w *worker) tell(s *production) bool {
	if s == nil || w.gone {
		return false
	}
	if w.told != s {
		w.told = s
		s.WorkerUp(w)
		for _, task := range slices.Sorted(maps.Keys(w.early)) { // in the same order each time
			s.Credit(w, task, w.early[task])
		}
		w.early = nil
	}
	return true
}

// hear tells the source what the worker says.
func (w *worker) hear(some []word) {
	w.calls.Lock()
	defer w.calls.Unlock()
	for i := range some {
		s, it := w.of.pushing.now(), &some[i]
		if err := it.check(); err != nil {
			w.Reject(err)
			return
		}
		switch listens := w.tell(s); {
		case !listens && it.kind == credit:
			w.remember(it.task, it.count)
		case !listens: // nobody knows of these tasks
		case it.kind == credit:
			s.Credit(w, it.task, it.count)
		case it.kind == ack:
			s.Ack(w, it.task, it.first, it.count)
		case it.kind == nack:
			s.Nack(w, it.task, it.first, it.delay, it.reason)
		case it.kind == written:
			s.Written(w)
		}
	}
}

// remember adds credit that nobody can use yet.
func (w *worker) remember(task string, n uint32) {
	if w.early == nil {
		w.early = map[string]uint32{}
	}
	had, known := w.early[task]
	if !known && len(w.early) >= maxAnnounced {
		w.Reject(errAnnounced)
		return
	}
	if n == 0 {
		had = 0
	}
	w.early[task] = max(had, had+n) // or it has gone round
}

// down says that the worker is gone, once, to the source if it knows the worker.
func (w *worker) down(err error) {
	p := &w.of.pushing
	p.mu.Lock()
	p.workers = slices.DeleteFunc(p.workers, func(other *worker) bool { return other == w })
	s := p.source
	p.mu.Unlock()
	w.calls.Lock()
	defer w.calls.Unlock()
	if !w.gone && s != nil && s == w.told {
		s.WorkerDown(w, err)
	}
	w.gone = true
}

func (w *worker) Peer() transport.Peer { return w.peer }
func (w *worker) Sent() uint64         { return w.producer.box.count() }

// Send queues a copy of m at the worker.
func (w *worker) Send(m *transport.Message) (nth uint64, err error) {
	if err := w.of.check(m); err != nil {
		return 0, err
	}
	nth, err = w.producer.box.add(body(m), w.of.network.hwm)
	if err == nil {
		w.of.counts.sent.Add(1)
	}
	return nth, err
}

// Reject ends the way of tasks to this peer, for good.
func (w *worker) Reject(reason error) {
	if w.end(reason) {
		w.of.rejected(w.peer, reason)
		w.producer.end(errRejected)
	}
}

// end has down called after what was said before. It reports whether it is the first to do so.
func (w *worker) end(reason error) (first bool) {
	_, first = w.box.end(false, func() { w.down(reason) })
	return first
}
