package lane

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handlerFunc is a Handler that knows no state.
type handlerFunc func(e *int) bool

func (f handlerFunc) Handle(e *int) bool      { return f(e) }
func (f handlerFunc) Recovered(_ *int, _ any) {}

// newQueue returns a queue of numbers that f handles.
func newQueue(c Config, f handlerFunc) *Queue[int] {
	if c.Graph == nil {
		c.Graph = &Graph{}
	}
	return NewQueue(c, func() Handler[int] { return f }, nil)
}

// add appends numbers as a publisher does that has waited for room.
func add(t *testing.T, q *Queue[int], numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		q.mu.Lock()
		if !q.Admits() {
			t.Errorf("no room for %d", n)
		}
		q.Append(&n)
		q.mu.Unlock()
	}
}
