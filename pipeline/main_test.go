package pipeline_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var numbers = pipeline.NewTask[int]("numbers")

// newProducer returns a producer of a task on b.
func newProducer[T any](t testing.TB, b *bus.Bus, task pipeline.Task[T], o *pipeline.ProducerOptions) *pipeline.Producer[T] {
	t.Helper()
	p, err := pipeline.NewProducer(b, task, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newWorker returns a worker of a task on b.
func newWorker[T any](t testing.TB, b *bus.Bus, task pipeline.Task[T], handler func(context.Context, T) error, o *pipeline.Options) *pipeline.Worker {
	t.Helper()
	w, err := pipeline.NewWorker(b, task, handler, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// send sends values, each of which must be accepted.
func send[T any](t testing.TB, p *pipeline.Producer[T], values ...T) {
	t.Helper()
	for _, v := range values {
		if err := p.Send(t.Context(), v); err != nil {
			t.Fatalf("sending %v: %v", v, err)
		}
	}
}

// values returns what the worker of a fake was given, in the order in which it began.
func values[T any](fake *bustest.Task[T]) (all []T) {
	for _, a := range fake.Seen() {
		all = append(all, a.Event.Value)
	}
	return all
}

// within returns a context that ends after d, of virtual time in a bubble.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// log notes values, in the order in which they come.
type log[T any] struct {
	mu   sync.Mutex
	list []T
}

func (l *log[T]) add(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, v)
}

// all returns them.
func (l *log[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]T(nil), l.list...)
}

// balance fails the test unless the counters of a producer add up.
func balance(t testing.TB, s pipeline.ProducerStats) {
	t.Helper()
	if sum := s.Waiting + s.Given + s.Acknowledged + s.Handed + s.DeadLetters + s.Abandoned; s.Sent != sum || s.Given > s.Sent || s.Waiting > s.Sent { // or one has gone below 0
		t.Errorf("sent %d, the others add up to %d: %+v", s.Sent, sum, s)
	}
}

// balanceWorkers fails the test unless the counters of all workers of a task add up, running ones included.
func balanceWorkers(t testing.TB, workers ...*pipeline.Worker) {
	t.Helper()
	var begun uint64
	var last pipeline.WorkerStats
	for _, w := range workers {
		last = w.Stats()
		if sum := last.Running + last.Succeeded + last.Failed + last.Filtered; last.Begun != sum {
			t.Errorf("begun %d, the others add up to %d: %+v", last.Begun, sum, last)
		}
		begun += last.Begun
	}
	if sum := last.Held + begun + last.Returned + last.Abandoned; last.Received != sum {
		t.Errorf("received %d, the others add up to %d: %+v", last.Received, sum, last)
	}
}
