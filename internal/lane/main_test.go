package lane

import (
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type event struct {
	id         int
	topic, key string
	remote     bool
}

// numbered returns the events with the numbers from first to last.
func numbered(first, last int) (all []event) {
	for id := first; id <= last; id++ {
		all = append(all, event{id: id})
	}
	return all
}

// handlerOf is a Handler that knows no state.
type handlerOf[E any] func(e E) Outcome

type handlerFunc = handlerOf[event]

func (f handlerOf[E]) Handle(t *Turn[E]) {
	for in := t.Next(); in != nil; in = t.Next() {
		e := *in
		if !t.Begin() {
			return
		}
		t.End(f(e))
	}
}

func (f handlerOf[E]) Aborted(*E, any) {}

// by makes every worker of a subscription handle with f.
func by(f handlerFunc) func() Handler[event] { return func() Handler[event] { return f } }

// record remembers the numbers of what it has handled.
type record struct {
	mu  sync.Mutex
	ids []int
}

func (r *record) add(e event) Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, e.id)
	return Succeeded
}

// got returns the numbers.
func (r *record) got() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int(nil), r.ids...)
}

// config fills in what a test does not care for.
func config(c Config) Config {
	if c.Graph == nil {
		c.Graph = &Graph{}
	}
	if c.Roster == nil {
		c.Roster = &Roster{}
	}
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.Capacity == 0 {
		c.Capacity = 1000
	}
	return c
}

// newReader returns a reader that has joined, after the early events.
func newReader(l *Log[event], c Config, f handlerFunc, early ...event) *Reader[event] {
	r := NewReader(l, config(c), by(f))
	l.Lock()
	defer l.Unlock()
	r.Join(early)
	return r
}

// keyed are the traits of events whose keys are lanes.
func keyed() Traits[event] {
	t := plain()
	t.Keyed = true
	return t
}

func plain() Traits[event] {
	return Traits[event]{
		Key:   func(e *event) string { return e.key },
		Topic: func(e *event) string { return e.topic },
	}
}

// newQueue returns a queue with one member.
func newQueue(c Config, traits Traits[event], f handlerFunc) (*Queue[event], *Consumer[event]) {
	q := NewQueue(config(c), traits)
	return q, join(q, c, f)
}

func join(q *Queue[event], c Config, f handlerFunc) *Consumer[event] {
	m := NewConsumer(q, config(c), by(f))
	m.Join()
	return m
}

// lane is a Log or a Queue.
type lane interface {
	Lock()
	Unlock()
	Full() *Gate
	Append(e *event) *event
}

// try appends e, as a publisher does that does not wait, and returns what is full.
func try(l lane, e event) *Gate {
	l.Lock()
	defer l.Unlock()
	full := l.Full()
	if full == nil {
		l.Append(&e)
	}
	return full
}

// publish appends events that there is room for.
func publish(t *testing.T, l lane, events ...event) {
	t.Helper()
	for _, e := range events {
		if full := try(l, e); full != nil {
			t.Errorf("no room for %d in %s", e.id, full.Name)
		}
	}
}

// balanced reads the counters of a member, and checks that they add up.
func balanced(t *testing.T, m *Member) Totals {
	t.Helper()
	n := m.Totals()
	if n.Matched != n.Queued+n.Running+n.Succeeded+n.Failed+n.Filtered+n.Dropped+n.Abandoned {
		t.Errorf("%s: the counters do not add up: %+v", m.Name, n)
	}
	return n
}

// ended reports whether a member is closed and its last handler has returned.
func ended(m *Member) bool {
	select {
	case <-m.Done():
		return true
	default:
		return false
	}
}
