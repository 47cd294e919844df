package transporttest

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

func (s *stage) tasker(tr transport.Transport) transport.Tasker {
	t, ok := tr.(transport.Tasker)
	if !ok {
		s.failf("expected a transport.Tasker, but a %T is none", tr)
	}
	return t
}

// told is a call of a source or a sink.
type told struct {
	call     string // the method
	worker   transport.TaskWorker
	producer transport.TaskProducer
	task     string
	first    uint64 // or the number of a task that is not done
	count    uint32 // or credit
	delay    time.Duration
	reason   string
	message  transport.Message
}

// String shows what the check may compare.
func (t told) String() string {
	switch t.call {
	case "Credit":
		return fmt.Sprintf("Credit(%q, %d)", t.task, t.count)
	case "Ack":
		return fmt.Sprintf("Ack(%q, %d, %d)", t.task, t.first, t.count)
	case "Nack":
		return fmt.Sprintf("Nack(%q, %d, %v, %q)", t.task, t.first, t.delay, t.reason)
	case "Tasks":
		return "the task " + list([]transport.Message{t.message})
	}
	return t.call
}

// turns counts calls that are under way for one peer.
type turns struct {
	mu     sync.Mutex
	inside map[any]int
	most   int
}

// enter notes a call for a peer, until leave is called.
func (t *turns) enter(peer any) (leave func()) {
	t.add(peer, 1)
	return func() { t.add(peer, -1) }
}

func (t *turns) add(peer any, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inside == nil {
		t.inside = map[any]int{}
	}
	t.inside[peer] += n
	t.most = max(t.most, t.inside[peer])
}

// alone checks that no two calls for one peer were under way at once.
func (s *stage) alone(t *turns) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.most > 1 {
		s.failf("expected the calls for one peer to come one at a time, but %d came at once", t.most)
	}
}

// source is a transport.TaskSource that keeps what it is told for the check.
type source struct {
	*mailbox[told]
	turns   turns
	written *mailbox[transport.TaskWorker]
	react   func(t told) // called in each call but Written, if it is not nil
}

func newSource() *source {
	return &source{mailbox: newMailbox[told](), written: newMailbox[transport.TaskWorker]()}
}

func (r *source) note(t told) {
	defer r.turns.enter(t.worker)()
	if r.react != nil {
		r.react(t)
	}
	r.put(t)
	runtime.Gosched() // a call that does not wait for this one finds it under way
}

func (r *source) WorkerUp(w transport.TaskWorker) { r.note(told{call: "WorkerUp", worker: w}) }
func (r *source) Credit(w transport.TaskWorker, task string, n uint32) {
	r.note(told{call: "Credit", worker: w, task: task, count: n})
}
func (r *source) Ack(w transport.TaskWorker, task string, first uint64, count uint32) {
	r.note(told{call: "Ack", worker: w, task: task, first: first, count: count})
}
func (r *source) Nack(w transport.TaskWorker, task string, seq uint64, delay time.Duration, reason string) {
	r.note(told{call: "Nack", worker: w, task: task, first: seq, delay: delay, reason: reason})
}
func (r *source) Written(w transport.TaskWorker) { r.written.put(w) }
func (r *source) WorkerDown(w transport.TaskWorker, _ error) {
	r.note(told{call: "WorkerDown", worker: w})
}

// sink is a transport.TaskSink that keeps what it is told for the check.
type sink struct {
	*mailbox[told]
	turns   turns
	gate    chan struct{} // if not nil, each call of Tasks waits until it is closed
	refuses bool          // it takes none
}

func newSink() *sink { return &sink{mailbox: newMailbox[told]()} }

func (k *sink) ProducerUp(p transport.TaskProducer) { k.note(told{call: "ProducerUp", producer: p}) }

func (k *sink) Tasks(p transport.TaskProducer, tasks []transport.Message) (taken int) {
	defer k.turns.enter(p)()
	for _, m := range tasks {
		k.put(told{call: "Tasks", producer: p, message: m})
	}
	if k.gate != nil {
		<-k.gate
	}
	runtime.Gosched() // as in source.note
	if k.refuses {
		return 0
	}
	return len(tasks)
}

func (k *sink) ProducerDown(p transport.TaskProducer, _ error) {
	k.note(told{call: "ProducerDown", producer: p})
}

func (k *sink) note(t told) {
	defer k.turns.enter(t.producer)()
	k.put(t)
}

func (s *stage) produce(tr transport.Transport, r transport.TaskSource) (release func()) {
	s.must("Produce", func() (err error) {
		release, err = s.tasker(tr).Produce(r)
		return err
	})
	return release
}

func (s *stage) work(tr transport.Transport, k transport.TaskSink) (release func()) {
	s.must("Work", func() (err error) {
		release, err = s.tasker(tr).Work(k)
		return err
	})
	return release
}

// tells returns the next call, which must be that one.
func (s *stage) tells(m *mailbox[told], call string) told {
	t := next(s, m, "a call of "+call)
	if t.call != call {
		s.failf("expected a call of %s, but %v came", call, t)
	}
	return t
}

// shop is a producer and a worker that know each other.
type shop struct {
	producing, working transport.Transport
	source             *source
	sink               *sink
	worker             transport.TaskWorker
	producer           transport.TaskProducer
}

func (s *stage) shop() shop { return s.shopOf(newSource(), newSink()) }

func (s *stage) shopOf(r *source, k *sink) shop {
	h := shop{producing: s.open(), working: s.open(), source: r, sink: k}
	s.produce(h.producing, h.source)
	s.work(h.working, h.sink)
	h.worker = s.tells(h.source.mailbox, "WorkerUp").worker
	h.producer = s.tells(h.sink.mailbox, "ProducerUp").producer
	return h
}

// give sends a task, which must succeed.
func (s *stage) give(w transport.TaskWorker, m *transport.Message) (nth uint64) {
	s.must("Send", func() (err error) {
		nth, err = w.Send(m)
		return err
	})
	return nth
}

// task returns the next task, which the sink must be given.
func (s *stage) task(k *sink) *transport.Message {
	t := s.tells(k.mailbox, "Tasks")
	return &t.message
}
