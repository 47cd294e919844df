package lane

import (
	"slices"
	"strings"
	"sync"
)

// Graph knows which handlers of a bus wait for room in which queues. It is touched only by publishes from handlers that are
// about to wait.
type Graph struct {
	mu    sync.Mutex                    // comes before those of the gates
	waits map[*Gate]map[*Caller][]*Gate // for each queue, what its waiting handlers wait for
}

// Caller is a worker of a queue, as the publishes of its handler know it. All publishes with the context of a handler count as that
// handler's, those of goroutines that it started included: it is taken to wait for each of them.
type Caller struct {
	Gate *Gate // nil for an inline handler that was called by a publish from outside of handlers
	// Graph is that of the bus.
	Graph *Graph
	// Depth is how many inline handlers called each other to get here.
	Depth int
	// Outer is who a publish of an inline handler counts for: the handler that called it. nil: itself, if it has a gate.
	Outer *Caller
}

// Waiter returns who waits when the handler publishes, nil if that is nobody that a queue depends on.
func (c *Caller) Waiter() *Caller {
	switch {
	case c == nil:
		return nil
	case c.Outer != nil:
		return c.Outer.Waiter()
	case c.Gate == nil:
		return nil
	}
	return c
}

// CycleError says that waiting for room would never end.
type CycleError struct {
	// Names are the subscriptions that wait for each other: first the full one, last the one whose handler published, unless that is the
	// full one.
	Names []string
}

func (e *CycleError) Error() string {
	return "every handler of " + strings.Join(e.Names, ", ") + " waits for room in another of them"
}

// enter notes that from waits for room in full, until leave. If that can never end, it has noted nothing, and returns the queues that wait for each
// other, full first. Where others wait for each other, from may wait: it is one of them that is refused.
func (g *Graph) enter(from *Caller, full *Gate) (cycle []*Gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.add(from, full)
	going := map[*Gate]bool{} // those that have room, or will have
	for {
		cycle = g.reachable(full, g.stuck(going), nil)
		if !slices.Contains(cycle, from.Gate) {
			return nil
		}
		lasts := true
		for _, q := range cycle {
			if !q.blocked(len(g.waits[q])) {
				going[q], lasts = true, false
			}
		}
		if lasts {
			g.remove(from, full)
			return cycle
		}
	}
}

// add notes a wait. The caller holds the lock.
func (g *Graph) add(from *Caller, full *Gate) {
	if g.waits == nil {
		g.waits = map[*Gate]map[*Caller][]*Gate{}
	}
	callers := g.waits[from.Gate]
	if callers == nil {
		callers = map[*Caller][]*Gate{}
		g.waits[from.Gate] = callers
	}
	callers[from] = append(callers[from], full)
}

// leave takes an enter back.
func (g *Graph) leave(from *Caller, full *Gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(from, full)
}

// remove takes an add back. The caller holds the lock.
func (g *Graph) remove(from *Caller, full *Gate) {
	callers := g.waits[from.Gate]
	i := slices.Index(callers[from], full)
	if callers[from] = slices.Delete(callers[from], i, i+1); len(callers[from]) > 0 {
		return
	}
	if delete(callers, from); len(callers) == 0 {
		delete(g.waits, from.Gate)
	}
}

// stuck returns the queues that can have no room unless somebody who does not wait makes it. It begins with all queues that have handlers which
// wait, but for those that are going, and takes out those with a handler that will go on, until no more go.
func (g *Graph) stuck(going map[*Gate]bool) map[*Gate]bool {
	stuck := map[*Gate]bool{}
	for q := range g.waits {
		if !going[q] {
			stuck[q] = true
		}
	}
	for again := true; again; {
		again = false
		for q := range stuck {
			for _, on := range g.waits[q] {
				if !slices.ContainsFunc(on, func(other *Gate) bool { return stuck[other] }) {
					delete(stuck, q)
					again = true
					break
				}
			}
		}
	}
	return stuck
}

// reachable appends q and the stuck queues that its handlers wait for, and so on, to list.
func (g *Graph) reachable(q *Gate, stuck map[*Gate]bool, list []*Gate) []*Gate {
	if !stuck[q] || slices.Contains(list, q) {
		return list
	}
	list = append(list, q)
	for _, on := range g.waits[q] {
		for _, other := range on {
			list = g.reachable(other, stuck, list)
		}
	}
	return list
}

// cycleError names the queues of a cycle, whose first is the full one.
func cycleError(cycle []*Gate, from *Gate) *CycleError {
	names := []string{cycle[0].Name}
	for _, q := range cycle[1:] {
		if q != from {
			names = append(names, q.Name)
		}
	}
	slices.Sort(names[1:])
	if from != cycle[0] {
		names = append(names, from.Name)
	}
	return &CycleError{names}
}
