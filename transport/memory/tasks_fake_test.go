package memory_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// source writes down what it is told, and who the workers are.
type source struct {
	told    log
	workers chan transport.TaskWorker
	reject  string // a task whose credit it rejects
}

// sink does the same.
type sink struct {
	told      log
	producers chan transport.TaskProducer
	hold      chan struct{} // if not nil, Tasks waits for it
	takes     int           // how many of each call; negative: all
	refuses   bool          // it rejects producers as they come
}

// log is what was told, without those calls that say only that something was written.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// want compares with what was told since it was asked last.
func (l *log) want(t testing.TB, want ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.lines, want) {
		t.Errorf("told %q, want %q", l.lines, want)
	}
	l.lines = nil
}

func newSource() *source { return &source{workers: make(chan transport.TaskWorker, 10)} }

func newSink() *sink { return &sink{producers: make(chan transport.TaskProducer, 10), takes: -1} }

func (s *source) WorkerUp(w transport.TaskWorker) {
	s.told.add("up %s", w.Peer().Address)
	s.workers <- w
}

func (s *source) Credit(w transport.TaskWorker, task string, n uint32) {
	s.told.add("credit %s %d", task, n)
	if task == s.reject && task != "" {
		w.Reject(errors.New("no such task"))
	}
}

func (s *source) Ack(_ transport.TaskWorker, task string, first uint64, count uint32) {
	s.told.add("ack %s %d+%d", task, first, count)
}

func (s *source) Nack(_ transport.TaskWorker, task string, seq uint64, delay time.Duration, reason string) {
	s.told.add("nack %s %d %v %s", task, seq, delay, reason)
}

func (s *source) Written(w transport.TaskWorker) { s.told.add("written %d", w.Sent()) }

func (s *source) WorkerDown(w transport.TaskWorker, err error) {
	s.told.add("down %s %d %t", w.Peer().Address, w.Sent(), err != nil)
}

func (s *sink) ProducerUp(p transport.TaskProducer) {
	s.told.add("up %s", p.Peer().Address)
	s.producers <- p
	if s.refuses {
		p.Reject(errors.New("no producers here"))
	}
}

func (s *sink) Tasks(_ transport.TaskProducer, tasks []transport.Message) int {
	for _, m := range tasks {
		s.told.add("task %s %t %s", m.Topic, m.Envelope != nil, text(m))
	}
	if s.hold != nil {
		<-s.hold
	}
	if s.takes >= 0 {
		return min(s.takes, len(tasks))
	}
	return len(tasks)
}

func (s *sink) ProducerDown(p transport.TaskProducer, err error) {
	s.told.add("down %s %t", p.Peer().Address, err != nil)
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

func give(t testing.TB, w transport.TaskWorker, m *transport.Message, want uint64) {
	t.Helper()
	if nth, err := w.Send(m); nth != want || err != nil {
		t.Fatalf("task %d, %v; want %d", nth, err, want)
	}
}
