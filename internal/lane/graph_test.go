package lane

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// edge is a handler that waits for room in a queue.
type edge struct {
	from *Caller
	full *Gate
}

// workers is a full queue with so many of them, all at an event.
type workers int

func (workers) room() int              { return 0 }
func (w workers) able() int            { return int(w) }
func (workers) count(*Member, *Totals) {}
func (workers) counter() *Member       { return nil }

// stuckGate is a model of the graph: it returns a gate that can never move, nil if there is none. What can move is found from the gates
// with a handler that does not wait outwards; a handler that waits several times moves when all it waits for does.
func stuckGate(gates []*Gate, edges []edge) *Gate {
	moves := map[*Gate]bool{}
	for again := true; again; {
		again = false
		for _, g := range gates {
			on := map[*Caller][]*Gate{}
			for _, e := range edges {
				if e.from.Gate == g {
					on[e.from] = append(on[e.from], e.full)
				}
			}
			free := len(on) < g.backlog.able()
			for _, full := range on {
				free = free || !slices.ContainsFunc(full, func(g *Gate) bool { return !moves[g] })
			}
			if free && !moves[g] {
				moves[g], again = true, true
			}
		}
	}
	for _, g := range gates {
		if !moves[g] {
			return g
		}
	}
	return nil
}

// Whatever waits are begun and ended, exactly those are found out that could never end.
func TestGraphAgainstModel(t *testing.T) {
	t.Parallel()
	refused := 0
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		graph := &Graph{}
		gates := make([]*Gate, 1+random.IntN(6))
		var callers []*Caller
		for i := range gates {
			n := workers(1 + random.IntN(3))
			gates[i] = &Gate{Graph: graph, Name: string(rune('a' + i)), mu: new(sync.Mutex), backlog: n}
			for range n {
				callers = append(callers, &Caller{Gate: gates[i]})
			}
		}
		var edges []edge
		for range 200 {
			if n := len(edges); n > 0 && random.IntN(3) == 0 {
				i := random.IntN(n)
				graph.leave(edges[i].from, edges[i].full)
				edges = slices.Delete(edges, i, i+1)
				continue
			}
			e := edge{callers[random.IntN(len(callers))], gates[random.IntN(len(gates))]}
			cycle := graph.enter(e.from, e.full)
			stuck := stuckGate(gates, append(slices.Clone(edges), e))
			if (cycle != nil) != (stuck != nil) {
				t.Fatalf("seed %d: %s waits for %s: cycle %v, the model says %v", seed, e.from.Gate.Name, e.full.Name, names(cycle), stuck)
			}
			if cycle == nil {
				edges = append(edges, e)
				continue
			}
			refused++
			if cycle[0] != e.full || !slices.Contains(cycle, e.from.Gate) {
				t.Fatalf("seed %d: %s waits for %s: cycle %v", seed, e.from.Gate.Name, e.full.Name, names(cycle))
			}
		}
		for _, e := range edges {
			graph.leave(e.from, e.full)
		}
		if len(graph.waits) > 0 {
			t.Errorf("%d gates are remembered when nobody waits", len(graph.waits))
		}
	}
	if refused == 0 {
		t.Error("nothing was ever refused")
	}
}

func names(gates []*Gate) (list []string) {
	for _, g := range gates {
		list = append(list, g.Name)
	}
	return list
}

func TestCycleErrorNamesTheFullOneFirst(t *testing.T) {
	t.Parallel()
	a, b, c := &Gate{Name: "a"}, &Gate{Name: "b"}, &Gate{Name: "c"}
	for want, err := range map[string]*CycleError{
		"every handler of c, a, b waits for room in another of them": cycleError([]*Gate{c, b, a}, b),
		"every handler of a, b, c waits for room in another of them": cycleError([]*Gate{a, c, b}, c),
		"every handler of a waits for room in another of them":       cycleError([]*Gate{a}, a),
	} {
		if err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A publish counts for the handler that a queue depends on, however many inline handlers are in between.
func TestCallerWaiter(t *testing.T) {
	t.Parallel()
	handler, outside := &Caller{Gate: &Gate{}}, &Caller{}
	for i, c := range []struct{ caller, want *Caller }{
		{nil, nil},
		{handler, handler},
		{outside, nil},
		{&Caller{Outer: &Caller{Outer: handler}}, handler},
		{&Caller{Outer: &Caller{Outer: outside}}, nil},
	} {
		if got := c.caller.Waiter(); got != c.want {
			t.Errorf("case %d: %v", i, got)
		}
	}
}
