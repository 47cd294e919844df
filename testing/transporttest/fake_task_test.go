package transporttest_test

import (
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// fakeWorker is a sound worker but for the methods that are set.
type fakeWorker struct {
	transport.TaskWorker
	peer   func() transport.Peer
	send   func(m *transport.Message) (uint64, error)
	sent   func() uint64
	reject func(reason error)
}

func (w *fakeWorker) Peer() transport.Peer {
	if w.peer != nil {
		return w.peer()
	}
	return w.TaskWorker.Peer()
}

func (w *fakeWorker) Send(m *transport.Message) (uint64, error) {
	if w.send != nil {
		return w.send(m)
	}
	return w.TaskWorker.Send(m)
}

func (w *fakeWorker) Sent() uint64 {
	if w.sent != nil {
		return w.sent()
	}
	return w.TaskWorker.Sent()
}

func (w *fakeWorker) Reject(reason error) {
	if w.reject != nil {
		w.reject(reason)
		return
	}
	w.TaskWorker.Reject(reason)
}

// fakeSource stands between a transport and a source: the workers that this sees are fakes.
type fakeSource struct {
	transport.TaskSource
	spoil func(w *fakeWorker)
	up    func(w transport.TaskWorker)
	count func(w transport.TaskWorker, task string, n uint32)
	ack   func(w transport.TaskWorker, task string, first uint64, count uint32)
	nack  func(w transport.TaskWorker, task string, seq uint64, delay time.Duration, reason string)
	down  func(w transport.TaskWorker, err error)

	mu  sync.Mutex
	all map[transport.TaskWorker]*fakeWorker
}

// of returns the fake of a worker.
func (s *fakeSource) of(w transport.TaskWorker) transport.TaskWorker {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[transport.TaskWorker]*fakeWorker{}
	}
	if s.all[w] == nil {
		s.all[w] = &fakeWorker{TaskWorker: w}
		if s.spoil != nil {
			s.spoil(s.all[w])
		}
	}
	return s.all[w]
}

// workers returns all fakes.
func (s *fakeSource) workers() (all []*fakeWorker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.all {
		all = append(all, w)
	}
	return all
}

func (s *fakeSource) WorkerUp(w transport.TaskWorker) {
	if s.up != nil {
		s.up(s.of(w))
		return
	}
	s.TaskSource.WorkerUp(s.of(w))
}

func (s *fakeSource) Credit(w transport.TaskWorker, task string, n uint32) {
	if s.count != nil {
		s.count(s.of(w), task, n)
		return
	}
	s.TaskSource.Credit(s.of(w), task, n)
}

func (s *fakeSource) Ack(w transport.TaskWorker, task string, first uint64, count uint32) {
	if s.ack != nil {
		s.ack(s.of(w), task, first, count)
		return
	}
	s.TaskSource.Ack(s.of(w), task, first, count)
}

func (s *fakeSource) Nack(w transport.TaskWorker, task string, seq uint64, delay time.Duration, reason string) {
	if s.nack != nil {
		s.nack(s.of(w), task, seq, delay, reason)
		return
	}
	s.TaskSource.Nack(s.of(w), task, seq, delay, reason)
}

func (s *fakeSource) Written(w transport.TaskWorker) { s.TaskSource.Written(s.of(w)) }

func (s *fakeSource) WorkerDown(w transport.TaskWorker, err error) {
	if s.down != nil {
		s.down(s.of(w), err)
		return
	}
	s.TaskSource.WorkerDown(s.of(w), err)
}

// producing is the fault of telling a source something else.
func producing(spoil func(s *fakeSource)) breaker {
	return func(f *fake) {
		f.produce = func(s transport.TaskSource) (func(), error) {
			broken := &fakeSource{TaskSource: s}
			spoil(broken)
			return f.sound.Produce(broken)
		}
	}
}

// giving is the fault of workers that spoil has broken.
func giving(spoil func(w *fakeWorker)) breaker {
	return producing(func(s *fakeSource) { s.spoil = spoil })
}

// fakeSink stands between a transport and a sink.
type fakeSink struct {
	transport.TaskSink
	tasks  func(p transport.TaskProducer, tasks []transport.Message) int
	credit func(p transport.TaskProducer, task string, n uint32)
	ack    func(p transport.TaskProducer, task string, first uint64, count uint32)

	mu  sync.Mutex
	all map[transport.TaskProducer]*fakeProducer
}

// fakeProducer is a sound producer but for what its sink sets.
type fakeProducer struct {
	transport.TaskProducer
	sink *fakeSink
}

func (p *fakeProducer) Credit(task string, n uint32) {
	if p.sink.credit != nil {
		p.sink.credit(p.TaskProducer, task, n)
		return
	}
	p.TaskProducer.Credit(task, n)
}

func (p *fakeProducer) Ack(task string, first uint64, count uint32) {
	if p.sink.ack != nil {
		p.sink.ack(p.TaskProducer, task, first, count)
		return
	}
	p.TaskProducer.Ack(task, first, count)
}

func (k *fakeSink) of(p transport.TaskProducer) transport.TaskProducer {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[transport.TaskProducer]*fakeProducer{}
	}
	if k.all[p] == nil {
		k.all[p] = &fakeProducer{p, k}
	}
	return k.all[p]
}

func (k *fakeSink) ProducerUp(p transport.TaskProducer) { k.TaskSink.ProducerUp(k.of(p)) }

func (k *fakeSink) Tasks(p transport.TaskProducer, tasks []transport.Message) int {
	if k.tasks != nil {
		return k.tasks(k.of(p), tasks)
	}
	return k.TaskSink.Tasks(k.of(p), tasks)
}

func (k *fakeSink) ProducerDown(p transport.TaskProducer, err error) {
	k.TaskSink.ProducerDown(k.of(p), err)
}

// working is the fault of telling a sink something else, or of producers that it sees.
func working(spoil func(k *fakeSink)) breaker {
	return func(f *fake) {
		f.work = func(s transport.TaskSink) (func(), error) {
			broken := &fakeSink{TaskSink: s}
			spoil(broken)
			return f.sound.Work(broken)
		}
	}
}
