package lane

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// wait is a handler that waits for room in a queue.
type wait struct {
	from *Caller
	full *Gate
}

// stuckQueue is a model of the graph: it returns a queue that can never move, nil if there is none. What can move is found from the queues
// with a handler that does not wait outwards; a handler that waits several times moves when all it waits for does.
func stuckQueue(queues []*Queue[int], waits []wait) *Gate {
	moves := map[*Gate]bool{}
	for again := true; again; {
		again = false
		for _, q := range queues {
			on := map[*Caller][]*Gate{}
			for _, w := range waits {
				if w.from.Gate == &q.Gate {
					on[w.from] = append(on[w.from], w.full)
				}
			}
			free := len(on) < q.Workers
			for _, full := range on {
				free = free || !slices.ContainsFunc(full, func(g *Gate) bool { return !moves[g] })
			}
			if free && !moves[&q.Gate] {
				moves[&q.Gate], again = true, true
			}
		}
	}
	for _, q := range queues {
		if !moves[&q.Gate] {
			return &q.Gate
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
		queues := make([]*Queue[int], 1+random.IntN(6))
		var callers []*Caller
		for i := range queues {
			queues[i] = newQueue(Config{Graph: graph, Name: string(rune('a' + i)), Workers: 1 + random.IntN(3), Capacity: 1}, nil)
			for range queues[i].Workers {
				callers = append(callers, &Caller{&queues[i].Gate})
			}
		}
		var waits []wait
		for range 200 {
			if n := len(waits); n > 0 && random.IntN(3) == 0 {
				i := random.IntN(n)
				graph.leave(waits[i].from, waits[i].full)
				waits = slices.Delete(waits, i, i+1)
				continue
			}
			w := wait{callers[random.IntN(len(callers))], &queues[random.IntN(len(queues))].Gate}
			cycle := graph.enter(w.from, w.full)
			stuck := stuckQueue(queues, append(slices.Clone(waits), w))
			if (cycle != nil) != (stuck != nil) {
				t.Fatalf("seed %d: %s waits for %s: cycle %v, the model says %v", seed, w.from.Gate.Name, w.full.Name, names(cycle), stuck)
			}
			if cycle == nil {
				waits = append(waits, w)
				continue
			}
			refused++
			graph.leave(w.from, w.full)
			if cycle[0] != w.full || !slices.Contains(cycle, w.from.Gate) {
				t.Fatalf("seed %d: %s waits for %s: cycle %v", seed, w.from.Gate.Name, w.full.Name, names(cycle))
			}
		}
		for _, w := range waits {
			graph.leave(w.from, w.full)
		}
		if len(graph.waits) > 0 {
			t.Errorf("%d queues are remembered when nobody waits", len(graph.waits))
		}
		for _, q := range queues {
			q.Close()
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
	a, b, c := &Gate{Config: Config{Name: "a"}}, &Gate{Config: Config{Name: "b"}}, &Gate{Config: Config{Name: "c"}}
	for want, err := range map[string]*CycleError{
		"every handler of c, a, b waits for room in another of them": cycleError([]*Gate{c, b, a}, b),
		"every handler of a waits for room in another of them":       cycleError([]*Gate{a}, a),
	} {
		if err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
