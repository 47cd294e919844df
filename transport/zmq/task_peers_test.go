package zmq_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/rawpeer"
	"github.com/fanfare-go/fanfare/transport"
)

// diary notes what a transport tells a source or a sink, a line each.
type diary struct {
	mu    sync.Mutex
	lines []string
	added chan struct{}
}

func newDiary() *diary { return &diary{added: make(chan struct{})} }

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
	close(d.added)
	d.added = make(chan struct{})
}

// want takes the next line, and waits for it.
func (d *diary) want(t testing.TB, wants ...string) {
	t.Helper()
	ctx := patient(t)
	for _, want := range wants {
		for {
			d.mu.Lock()
			added, line, ok := d.added, "", len(d.lines) > 0
			if ok {
				line, d.lines = d.lines[0], d.lines[1:]
			}
			d.mu.Unlock()
			if ok {
				if line != want {
					t.Fatalf("told %q, want %q", line, want)
				}
				break
			}
			select {
			case <-added:
			case <-ctx.Done():
				t.Fatalf("not told %q", want)
			}
		}
	}
}

// none fails the test if there are lines.
func (d *diary) none(t testing.TB) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.lines) > 0 {
		t.Errorf("told %q", d.lines)
	}
}

// taskSource is a source whose tasks the test gives.
type taskSource struct {
	*diary
	workers chan transport.TaskWorker
}

func newTaskSource() *taskSource {
	return &taskSource{newDiary(), make(chan transport.TaskWorker, 100)}
}

func (s *taskSource) WorkerUp(w transport.TaskWorker) {
	s.note("up plain=%v", w.Peer().Plain)
	s.workers <- w
}

func (s *taskSource) Credit(_ transport.TaskWorker, task string, n uint32) {
	s.note("credit %s %d", task, n)
}

func (s *taskSource) Ack(_ transport.TaskWorker, task string, first uint64, count uint32) {
	s.note("ack %s %d+%d", task, first, count)
}

func (s *taskSource) Nack(_ transport.TaskWorker, task string, seq uint64, delay time.Duration, reason string) {
	s.note("nack %s %d %v %s", task, seq, delay, reason)
}

func (s *taskSource) Written(w transport.TaskWorker) {}

func (s *taskSource) WorkerDown(w transport.TaskWorker, err error) {
	s.note("down sent=%d err=%v", w.Sent(), err != nil)
}

// next returns the next worker.
func (s *taskSource) next(t testing.TB) transport.TaskWorker {
	t.Helper()
	select {
	case w := <-s.workers:
		return w
	case <-patient(t).Done():
		t.Fatal("no worker")
	}
	return nil
}

// taskSink is a sink that notes tasks.
type taskSink struct {
	*diary
	producers chan transport.TaskProducer
	seen      chan byte     // gets the last byte of each envelope, if it is not nil
	gate      chan struct{} // Tasks takes one from it for each call, if it is not nil
}

func newTaskSink() *taskSink {
	return &taskSink{newDiary(), make(chan transport.TaskProducer, 100), nil, nil}
}

func (s *taskSink) ProducerUp(p transport.TaskProducer) {
	s.note("up plain=%v", p.Peer().Plain)
	s.producers <- p
}

func (s *taskSink) Tasks(_ transport.TaskProducer, tasks []transport.Message) int {
	if s.gate != nil {
		if _, ok := <-s.gate; !ok {
			return 0
		}
	}
	for _, m := range tasks {
		if s.seen != nil {
			s.seen <- m.Envelope[len(m.Envelope)-1]
			continue
		}
		s.note("task %s %v %s", m.Topic, m.Envelope != nil, text(m))
	}
	return len(tasks)
}

func (s *taskSink) ProducerDown(_ transport.TaskProducer, err error) {
	s.note("down err=%v", err != nil)
}

func (s *taskSink) next(t testing.TB) transport.TaskProducer {
	t.Helper()
	select {
	case p := <-s.producers:
		return p
	case <-patient(t).Done():
		t.Fatal("no producer")
	}
	return nil
}

func produce(t testing.TB, tr transport.Tasker, s transport.TaskSource) (release func()) {
	t.Helper()
	release, err := tr.Produce(s)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func work(t testing.TB, tr transport.Tasker, s transport.TaskSink) (release func()) {
	t.Helper()
	release, err := tr.Work(s)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func give(t testing.TB, w transport.TaskWorker, m *transport.Message) (nth uint64) {
	t.Helper()
	nth, err := w.Send(m)
	if err != nil {
		t.Fatal(err)
	}
	return nth
}

// rawPeerAt connects a raw peer of a socket type, with further properties of its READY.
func rawPeerAt(t testing.TB, endpoint, socketType string, properties ...string) *rawpeer.Peer {
	t.Helper()
	return rawpeer.Connect(t, endpoint).Handshake(socketType, 0, properties...)
}
