package lane

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Graph knows which handlers of a bus wait for room in which queues. It is touched only by publishes from handlers that are
// about to wait.
type Graph struct {
	last  atomic.Uint64
	mu    sync.Mutex
	waits map[*Gate]*waits
}

// waits are the waiting workers of one queue.
type waits struct {
	workers int
	on      map[*Gate]int // how many wait for each queue
}

// CycleError says that waiting for room would never end.
type CycleError struct {
	// Names are the subscriptions that wait for each other: first the full one, last the one whose handler published, which may be
	// the same.
	Names []string
}

func (e *CycleError) Error() string {
	return "every handler of " + strings.Join(e.Names, ", ") + " waits for room in another of them"
}

func (g *Graph) nextID() uint64 { return g.last.Add(1) }

// enter notes that a handler of from waits for room in full, unless that could never end.
func (g *Graph) enter(from, full *Gate) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waits == nil {
		g.waits = map[*Gate]*waits{}
	}
	w := g.waits[from]
	if w == nil {
		w = &waits{on: map[*Gate]int{}}
		g.waits[from] = w
	}
	w.workers++
	w.on[full]++
	seen := map[*Gate]bool{}
	if !g.stuck(full, seen) {
		return nil
	}
	g.remove(from, full)
	delete(seen, full)
	delete(seen, from)
	names := []string{full.Name}
	for other := range seen {
		names = append(names, other.Name)
	}
	slices.Sort(names[1:])
	if from != full {
		names = append(names, from.Name)
	}
	return &CycleError{names}
}

// leave takes an enter back.
func (g *Graph) leave(from, full *Gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(from, full)
}

func (g *Graph) remove(from, full *Gate) {
	w := g.waits[from]
	if w.workers--; w.workers == 0 {
		delete(g.waits, from)
		return
	}
	if w.on[full]--; w.on[full] == 0 {
		delete(w.on, full)
	}
}

// stuck tells whether q can never have room: all its workers wait, and everything they wait for is stuck as well.
// seen collects the queues that were asked; one that is asked again is part of the cycle.
func (g *Graph) stuck(q *Gate, seen map[*Gate]bool) bool {
	if seen[q] {
		return true
	}
	w := g.waits[q]
	if w == nil || w.workers < q.Workers {
		return false
	}
	seen[q] = true
	for other := range w.on {
		if !g.stuck(other, seen) {
			return false
		}
	}
	return true
}
