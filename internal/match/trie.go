package match

import (
	"bytes"
	"slices"
)

// node is one edge of a path-compressed trie of byte strings, the keys, and the point it leads to. Except for the root, a node
// at which no key ends has two children or more. So n keys cost fewer than 2n nodes, and a walk looks at no byte of a topic twice.
type node[V any] struct {
	label    string     // bytes between the parent and this node, empty at the root alone
	ends     bool       // whether a key ends here
	value    V          // of that key
	first    []byte     // first bytes of the children's labels, ascending: searched instead of the children
	children []*node[V] // in the order of first
}

// insert returns the node of key, made when it was missing: the caller sets ends, and the value. It keeps parts of a key that
// is a string, and copies of the others.
func insert[V any, K string | []byte](n *node[V], key K) *node[V] {
	for len(key) > 0 {
		i, found := slices.BinarySearch(n.first, key[0])
		if !found {
			leaf := &node[V]{label: string(key)}
			n.first = slices.Insert(n.first, i, key[0])
			n.children = slices.Insert(n.children, i, leaf)
			return leaf
		}
		n = n.children[i]
		shared := sharedLen(n.label, key)
		if shared < len(n.label) {
			n.split(shared)
		}
		key = key[shared:]
	}
	return n
}

// next returns the child of n whose label begins topic, or nil.
func next[V any, K string | []byte](n *node[V], topic K) *node[V] {
	if len(topic) == 0 {
		return nil
	}
	i := bytes.IndexByte(n.first, topic[0])
	if i < 0 || !hasPrefix(topic, n.children[i].label) {
		return nil
	}
	return n.children[i]
}

// find returns the node at which key ends, and its parent, which the root does not have. It returns nil for a missing key.
func find[V any, K string | []byte](n *node[V], key K) (at, parent *node[V]) {
	for len(key) > 0 {
		child := next(n, key)
		if child == nil {
			return nil, nil
		}
		n, parent = child, n
		key = key[len(n.label):]
	}
	if !n.ends {
		return nil, nil
	}
	return n, parent
}

// remove takes the key that ends at n, whose value the caller has cleared, out of the trie, and the nodes that served only it.
func (n *node[V]) remove(parent *node[V]) {
	n.ends = false
	if len(n.children) == 0 && parent != nil {
		parent.drop(n.label[0])
		n = parent
	}
	n.mergeOnlyChild()
}

// drop takes the child whose label begins with c away from n.
func (n *node[V]) drop(c byte) {
	i := bytes.IndexByte(n.first, c)
	n.first = slim(slices.Delete(n.first, i, i+1))
	n.children = slim(slices.Delete(n.children, i, i+1))
}

// split cuts n's label in two: n keeps the first at bytes, and a new only child gets the rest with everything n had.
func (n *node[V]) split(at int) {
	tail := *n
	tail.label = n.label[at:]
	*n = node[V]{label: n.label[:at], first: []byte{tail.label[0]}, children: []*node[V]{&tail}}
}

// mergeOnlyChild undoes split once nothing ends or forks at n any more.
func (n *node[V]) mergeOnlyChild() {
	if n.ends || len(n.children) != 1 || n.label == "" {
		return
	}
	label := n.label
	*n = *n.children[0]
	n.label = label + n.label
}

// walk yields the keys at and below n and their values, in ascending order of the keys, and reports whether to go on. The
// parent's key is path; the slices yielded are used again.
func (n *node[V]) walk(path []byte, yield func(key []byte, value *V) bool) bool {
	path = append(path, n.label...)
	if n.ends && !yield(path, &n.value) {
		return false
	}
	for _, child := range n.children {
		if !child.walk(path, yield) {
			return false
		}
	}
	return true
}

// hasPrefix reports whether prefix begins s.
func hasPrefix[S string | []byte](s S, prefix string) bool {
	return len(s) >= len(prefix) && string(s[:len(prefix)]) == prefix
}

// sharedLen returns how many leading bytes a and b have in common.
func sharedLen[S string | []byte](a string, b S) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// slim returns s, moved to an array of its size when its own is mostly unused.
func slim[E any](s []E) []E {
	const small = 4
	if cap(s) <= small || cap(s) < 4*len(s) {
		return s
	}
	return append([]E(nil), s...)
}
