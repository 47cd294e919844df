package match

import (
	"math/rand/v2"
	"testing"
)

// TestPrefixesStayCompact checks the invariant of node that bounds memory, which no answer of the set shows.
func TestPrefixesStayCompact(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var p Prefixes
	for range 5_000 {
		word := make([]byte, rng.IntN(8))
		for i := range word {
			word[i] = "ab"[rng.IntN(2)]
		}
		if rng.IntN(2) == 0 {
			p.Add(word)
		} else {
			p.Remove(word)
		}
		for _, child := range p.root.children {
			checkCompact(t, child)
		}
	}
}

func checkCompact(t *testing.T, n *node) {
	t.Helper()
	if n.refs == 0 && len(n.children) < 2 {
		t.Fatalf("node %q serves no prefix and no fork", n.label)
	}
	for _, child := range n.children {
		checkCompact(t, child)
	}
}
