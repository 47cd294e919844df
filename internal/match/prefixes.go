package match

import (
	"bytes"
	"slices"
)

// Prefixes is a counted set of byte prefixes that answers whether any of them begins a given topic. The zero value is an empty
// set, ready to use. It is not safe for concurrent use: the owner locks.
//
// It is a path-compressed trie, so it costs at most two nodes and one copy of the bytes per distinct prefix, whatever prefixes a
// peer sends, and Match looks at no byte of the topic twice.
type Prefixes struct {
	root     node
	distinct int
}

// node is one edge of the trie and the point it leads to. Except for the root, a node without refs has two children or more.
type node struct {
	label    []byte  // bytes between the parent and this node, never empty below the root
	refs     int     // how often the prefix that ends here was added
	first    []byte  // first bytes of the children's labels, ascending: searched instead of the children
	children []*node // in the order of first
}

// Add counts one more use of prefix and reports whether it is the first one. The set keeps a copy, not the slice.
func (p *Prefixes) Add(prefix []byte) (first bool) {
	n := &p.root
	for len(prefix) > 0 {
		i, found := slices.BinarySearch(n.first, prefix[0])
		if !found {
			leaf := &node{label: bytes.Clone(prefix)}
			n.first = slices.Insert(n.first, i, prefix[0])
			n.children = slices.Insert(n.children, i, leaf)
			n = leaf
			break
		}
		n = n.children[i]
		shared := sharedLen(n.label, prefix)
		if shared < len(n.label) {
			n.split(shared)
		}
		prefix = prefix[shared:]
	}
	n.refs++
	if n.refs > 1 {
		return false
	}
	p.distinct++
	return true
}

// Remove takes back one Add of prefix and reports whether it was the last one. For a prefix not in the set it changes nothing
// and returns false.
func (p *Prefixes) Remove(prefix []byte) (last bool) {
	n, parent, at := &p.root, (*node)(nil), 0
	for len(prefix) > 0 {
		i, found := slices.BinarySearch(n.first, prefix[0])
		if !found || !bytes.HasPrefix(prefix, n.children[i].label) {
			return false
		}
		n, parent, at = n.children[i], n, i
		prefix = prefix[len(n.label):]
	}
	if n.refs == 0 {
		return false
	}
	n.refs--
	if n.refs > 0 {
		return false
	}
	p.distinct--
	if len(n.children) == 0 && parent != nil {
		parent.first = slices.Delete(parent.first, at, at+1)
		parent.children = slices.Delete(parent.children, at, at+1)
		n = parent
	}
	if n != &p.root {
		n.mergeOnlyChild()
	}
	return true
}

// Match reports whether some prefix of the set begins topic. The empty prefix begins every topic. Match does not allocate.
func (p *Prefixes) Match(topic []byte) bool {
	n := &p.root
	for n.refs == 0 {
		if len(topic) == 0 {
			return false
		}
		i := bytes.IndexByte(n.first, topic[0])
		if i < 0 {
			return false
		}
		n = n.children[i]
		if !bytes.HasPrefix(topic, n.label) {
			return false
		}
		topic = topic[len(n.label):]
	}
	return true
}

// All yields every distinct prefix once, in ascending order, until yield returns false. Each slice is a copy that the caller
// may keep. The set must not change while All runs.
func (p *Prefixes) All(yield func(prefix []byte) bool) {
	p.root.walk(nil, yield)
}

// Len returns the number of distinct prefixes.
func (p *Prefixes) Len() int {
	return p.distinct
}

// split cuts n's label in two: n keeps the first at bytes, and a new only child gets the rest with everything n had.
func (n *node) split(at int) {
	tail := *n
	tail.label = n.label[at:]
	*n = node{label: n.label[:at:at], first: []byte{tail.label[0]}, children: []*node{&tail}}
}

// mergeOnlyChild undoes split once nothing ends or forks at n any more.
func (n *node) mergeOnlyChild() {
	if n.refs > 0 || len(n.children) != 1 {
		return
	}
	label := n.label
	*n = *n.children[0]
	n.label = slices.Concat(label, n.label)
}

// walk yields the prefixes at and below n, whose parent's prefix is path, and reports whether to go on.
func (n *node) walk(path []byte, yield func([]byte) bool) bool {
	path = append(path, n.label...)
	if n.refs > 0 && !yield(append([]byte{}, path...)) {
		return false
	}
	for _, child := range n.children {
		if !child.walk(path, yield) {
			return false
		}
	}
	return true
}

// sharedLen returns how many leading bytes a and b have in common.
func sharedLen(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
