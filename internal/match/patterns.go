package match

import "strings"

// patterns is a trie of patterns by segments. The literal children of all nodes are in one table, because a map for each node
// would cost more than the node, and a list would have to be searched.
type patterns[V comparable] struct {
	root     patternNode[V]
	literals table[edge[V], *patternNode[V]]
}

// patternNode is the beginning of a pattern up to a dot, or a whole one. Except for the root, each begins or is some pattern.
type patternNode[V comparable] struct {
	one      *patternNode[V] // after "*"
	rest     *patternNode[V] // after ">", the end of a pattern
	literals int             // number of other children
	ends     bool            // whether a pattern ends here
	value    values[V]       // of that pattern
}

// edge is a literal segment after a node.
type edge[V comparable] struct {
	parent  *patternNode[V]
	segment string
}

// insert returns the node of pattern, made when it was missing: the caller sets ends, and the value.
func (p *patterns[V]) insert(pattern string) *patternNode[V] {
	n := &p.root
	for segment := range strings.SplitSeq(pattern, ".") {
		child := p.child(n, segment)
		if child == nil {
			child = &patternNode[V]{}
			p.link(n, segment, child)
		}
		n = child
	}
	return n
}

// remove takes back one add of v for the pattern that is left after n, and the nodes that served only it. It reports whether
// there was one.
func (p *patterns[V]) remove(n *patternNode[V], pattern string, v V) (found bool) {
	segment, pattern, more := strings.Cut(pattern, ".")
	child := p.child(n, segment)
	switch {
	case child == nil:
		return false
	case more:
		found = p.remove(child, pattern, v)
	case child.ends:
		found, child.ends = child.value.remove(v)
	}
	if !child.ends && child.one == nil && child.rest == nil && child.literals == 0 {
		p.unlink(n, segment)
	}
	return found
}

// appendTo appends the values of all patterns that match, where topic is what is left of one after n.
//
// It comes to a node by one way only, so it looks at each at most once, whatever the topic, and at no more than 2ⁿ after n
// segments. It calls itself as deep as the longest pattern, which has 128 segments.
func (p *patterns[V]) appendTo(dst []V, n *patternNode[V], topic string) []V {
	if n.rest != nil {
		dst = n.rest.value.appendTo(dst)
	}
	if n.one == nil && n.literals == 0 {
		return dst
	}
	segment, topic, more := strings.Cut(topic, ".")
	children := [...]*patternNode[V]{n.one, nil}
	if n.literals > 0 {
		children[1] = p.literals.m[edge[V]{n, segment}]
	}
	for _, child := range children {
		switch {
		case child == nil:
		case more:
			dst = p.appendTo(dst, child, topic)
		case child.ends:
			dst = child.value.appendTo(dst)
		}
	}
	return dst
}

// all yields the values of all patterns.
func (p *patterns[V]) all(yield func(V) bool) bool {
	if !p.root.wild(yield) {
		return false
	}
	for _, n := range p.literals.m {
		if !n.own(yield) || !n.wild(yield) {
			return false
		}
	}
	return true
}

func (n *patternNode[V]) own(yield func(V) bool) bool {
	return !n.ends || n.value.all(yield)
}

// wild yields the values behind n as far as the wildcards go.
func (n *patternNode[V]) wild(yield func(V) bool) bool {
	if n.rest != nil && !n.rest.own(yield) {
		return false
	}
	return n.one == nil || n.one.own(yield) && n.one.wild(yield)
}

// child returns the node that segment of a pattern leads to, or nil.
func (p *patterns[V]) child(n *patternNode[V], segment string) *patternNode[V] {
	switch segment {
	case oneSegment:
		return n.one
	case restSegments:
		return n.rest
	default:
		return p.literals.m[edge[V]{n, segment}]
	}
}

func (p *patterns[V]) link(n *patternNode[V], segment string, child *patternNode[V]) {
	switch segment {
	case oneSegment:
		n.one = child
	case restSegments:
		n.rest = child
	default:
		n.literals++
		p.literals.set(edge[V]{n, segment}, child)
	}
}

func (p *patterns[V]) unlink(n *patternNode[V], segment string) {
	switch segment {
	case oneSegment:
		n.one = nil
	case restSegments:
		n.rest = nil
	default:
		n.literals--
		p.literals.delete(edge[V]{n, segment})
	}
}
