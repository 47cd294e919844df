package lane

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// wait is a worker of the queue from that waits for room in the queue full, by their indexes.
type wait struct{ from, full int }

// stuckQueue is a model of the graph: it returns a queue that can never move, -1 if there is none. What can move is found from the queues
// with a worker that does not wait outwards.
func stuckQueue(queues []*Queue[int], waits []wait) int {
	busy := make([]int, len(queues))
	for _, w := range waits {
		busy[w.from]++
	}
	moves := make([]bool, len(queues))
	for changed := true; changed; {
		changed = false
		for i, q := range queues {
			free := busy[i] < q.Workers || slices.ContainsFunc(waits, func(w wait) bool { return w.from == i && moves[w.full] })
			if free && !moves[i] {
				moves[i], changed = true, true
			}
		}
	}
	return slices.Index(moves, false)
}

// Whatever waits are begun and ended, the last one that would close a circle of waiting is refused: at every moment each queue has either a
// worker that does not wait, or a worker that waits for a queue of which that can be said.
func TestGraphNeverGetsStuck(t *testing.T) {
	t.Parallel()
	refused := 0
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		graph := &Graph{}
		queues := make([]*Queue[int], 1+random.IntN(6))
		for i := range queues {
			queues[i] = newQueue(Config{Graph: graph, Name: string(rune('a' + i)), Workers: 1 + random.IntN(3), Capacity: 1}, nil)
		}
		var waits []wait
		busy := make([]int, len(queues)) // workers that wait
		for range 200 {
			if n := len(waits); n > 0 && random.IntN(3) == 0 {
				i := random.IntN(n)
				graph.leave(&queues[waits[i].from].Gate, &queues[waits[i].full].Gate)
				busy[waits[i].from]--
				waits = slices.Delete(waits, i, i+1)
				continue
			}
			w := wait{random.IntN(len(queues)), random.IntN(len(queues))}
			if busy[w.from] == queues[w.from].Workers {
				continue // no handler of it runs that could publish
			}
			err := graph.enter(&queues[w.from].Gate, &queues[w.full].Gate)
			var cycle *CycleError
			if errors.As(err, &cycle) {
				refused++
				if stuckQueue(queues, append(slices.Clone(waits), w)) < 0 {
					t.Fatalf("seed %d: refused, although it would have ended: %v, waits %v", seed, err, waits)
				}
				if cycle.Names[0] != queues[w.full].Name || !slices.Contains(cycle.Names, queues[w.from].Name) {
					t.Fatalf("%s publishes to %s: %v", queues[w.from].Name, queues[w.full].Name, err)
				}
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			waits = append(waits, w)
			busy[w.from]++
			if i := stuckQueue(queues, waits); i >= 0 {
				t.Fatalf("seed %d: %s can never move; waits %v", seed, queues[i].Name, waits)
			}
		}
		for _, w := range waits {
			graph.leave(&queues[w.from].Gate, &queues[w.full].Gate)
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
