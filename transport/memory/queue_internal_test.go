package memory

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQueue(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var q queue[*int]
	var want []*int
	for range 20_000 {
		if random.IntN(2) == 0 {
			for n := range random.IntN(50) {
				q.push(&n)
				want = append(want, &n)
				if *q.last() != &n {
					t.Fatal("the newest is not the last")
				}
			}
		} else {
			got := make([]*int, random.IntN(60))
			n := q.take(got)
			if n != min(len(got), len(want)) || !slices.Equal(got[:n], want[:n]) {
				t.Fatalf("took %d of %d", n, len(want))
			}
			want = want[n:]
		}
		kept := 0
		for _, p := range q.ring {
			if p != nil {
				kept++
			}
		}
		if q.len() != len(want) || kept != len(want) {
			t.Fatalf("%d in the queue, %d kept alive, want %d", q.len(), kept, len(want))
		}
	}
	if n := q.clear(); n != len(want) || q.len() != 0 || q.last() != nil {
		t.Errorf("%d cleared, %d left", n, q.len())
	}
}

// A queue that was long gives its memory back.
func TestQueueShrinks(t *testing.T) {
	t.Parallel()
	var q queue[int]
	for range restStorage + 1 {
		q.push(1)
	}
	q.take(make([]int, restStorage))
	if len(q.ring) <= restStorage {
		t.Errorf("room for %d", len(q.ring))
	}
	q.take(make([]int, 1))
	if len(q.ring) != 0 {
		t.Errorf("an empty queue has room for %d", len(q.ring))
	}
}
