package match

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestIndexStaysCompact checks that nothing is kept of what was removed, which no answer of the index shows.
func TestIndexStaysCompact(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 9))
	type entry struct {
		selector Selector
		value    int
	}
	var x Index[int]
	added := map[entry]int{}
	for range 5_000 {
		e := entry{randomKey(rng), rng.IntN(3)}
		if rng.IntN(2) == 0 {
			x.Add(e.selector, e.value)
			added[e]++
		} else if x.Remove(e.selector, e.value) {
			added[e]--
		}
		checkIndex(t, &x)
	}
	for e, times := range added {
		for range times {
			x.Remove(e.selector, e.value)
		}
		checkIndex(t, &x)
	}
	nodes := len(x.names.m) + len(x.prefixes.children) + len(x.patterns.literals.m)
	if nodes > 0 || x.prefixes.ends || x.patterns.root != (patternNode[int]{}) {
		t.Errorf("an index without entries holds %+v", x)
	}
}

// randomKey returns one of few selectors that have much in common.
func randomKey(rng *rand.Rand) Selector {
	segments := []string{"a", "*", "b", ">"}
	switch rng.IntN(3) {
	case 0:
		return Exact(segments[rng.IntN(2)])
	case 1:
		return Prefix(strings.Repeat("a", rng.IntN(3)) + "bcd"[:rng.IntN(4)])
	default:
		p, err := ParsePattern(strings.Join(segments[rng.IntN(3):3+rng.IntN(2)], "."))
		if err != nil {
			panic(err)
		}
		return p.Selector()
	}
}

func checkIndex(t *testing.T, x *Index[int]) {
	t.Helper()
	for _, child := range x.prefixes.children {
		checkCompact(t, child)
	}
	literals := checkPattern(t, &x.patterns.root)
	for e, n := range x.patterns.literals.m {
		if !n.ends && n.one == nil && n.rest == nil && n.literals == 0 {
			t.Fatalf("the node after %q serves no pattern", e.segment)
		}
		literals += checkPattern(t, n)
	}
	if got := len(x.patterns.literals.m); got != literals {
		t.Fatalf("%d nodes after literals, their parents count %d", got, literals)
	}
}

// checkPattern returns how many literal children n and the nodes behind its wildcards say they have.
func checkPattern(t *testing.T, n *patternNode[int]) int {
	t.Helper()
	if !n.ends && n.value != (values[int]{}) {
		t.Fatal("a node keeps values that were removed")
	}
	literals := n.literals
	for _, child := range []*patternNode[int]{n.one, n.rest} {
		if child == nil {
			continue
		}
		if !child.ends && child.one == nil && child.rest == nil && child.literals == 0 {
			t.Fatal("the node after a wildcard serves no pattern")
		}
		literals += checkPattern(t, child)
	}
	return literals
}

func TestValuesGiveMemoryBack(t *testing.T) {
	t.Parallel()
	var x Index[int]
	for i := range 1000 {
		x.Add(Exact("a"), i)
	}
	for i := range 997 {
		x.Remove(Exact("a"), i)
	}
	of := x.names.m["a"].many
	if len(of.list) != 3 || cap(of.list) > 16 || of.at.m != nil {
		t.Errorf("%d values have room for %d, and a table for %d", len(of.list), cap(of.list), len(of.at.m))
	}
	x.Remove(Exact("a"), 997)
	x.Remove(Exact("a"), 998)
	if got := x.names.m["a"]; got != (values[int]{one: 999}) {
		t.Errorf("the last value is kept as %+v", got)
	}
}
