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

// TestWideNodesGiveMemoryBack matters where a peer makes many nodes wide in turn.
func TestWideNodesGiveMemoryBack(t *testing.T) {
	t.Parallel()
	var p Prefixes
	p.Add([]byte("a"))
	for c := range 256 {
		p.Add([]byte{'a', byte(c)})
	}
	for c := range 254 {
		p.Remove([]byte{'a', byte(c)})
	}
	if n := p.root.children[0]; len(n.children) != 2 || cap(n.children) > 8 || cap(n.first) > 8 {
		t.Errorf("%d children have room for %d, and %d first bytes", len(n.children), cap(n.children), cap(n.first))
	}
}

func checkCompact[V any](t *testing.T, n *node[V]) {
	t.Helper()
	if !n.ends && len(n.children) < 2 {
		t.Fatalf("node %q serves no key and no fork", n.label)
	}
	for _, child := range n.children {
		checkCompact(t, child)
	}
}
