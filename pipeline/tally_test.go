package pipeline_test

import (
	"sync"
	"testing"
)

// tally counts how often each number came.
type tally struct {
	mu   sync.Mutex
	seen map[int]int
}

func (c *tally) add(n int) (total int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[int]int{}
	}
	c.seen[n]++
	return len(c.seen)
}

// missing returns how many of the first n numbers never came, and how many came again.
func (c *tally) missing(n int) (never, again int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range n {
		switch {
		case c.seen[i] == 0:
			never++
		default:
			again += c.seen[i] - 1
		}
	}
	return never, again
}

// once fails the test unless each of the first n numbers came once, and no other.
func (c *tally) once(t *testing.T, n int) {
	t.Helper()
	if never, again := c.missing(n); never+again > 0 || len(c.seen) != n {
		t.Errorf("of %d numbers %d never came, %d came again, and %d came in all", n, never, again, len(c.seen))
	}
}
