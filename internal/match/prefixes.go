package match

import "bytes"

// Prefixes is a counted set of byte prefixes that answers whether any of them begins a given topic. The zero value is an empty
// set, ready to use. It is not safe for concurrent use: the owner locks.
//
// It is a path-compressed trie, so it costs at most two nodes and one copy of the bytes per distinct prefix, whatever prefixes a
// peer sends, and Match looks at no byte of the topic twice.
type Prefixes struct {
	root     node[int] // of how often each prefix was added
	distinct int
}

// Add counts one more use of prefix and reports whether it is the first one. The set keeps a copy, not the slice.
func (p *Prefixes) Add(prefix []byte) (first bool) {
	n := insert(&p.root, prefix)
	n.value++
	if n.ends {
		return false
	}
	n.ends = true
	p.distinct++
	return true
}

// Remove takes back one Add of prefix and reports whether it was the last one. For a prefix not in the set it changes nothing
// and returns false.
func (p *Prefixes) Remove(prefix []byte) (last bool) {
	n, parent := find(&p.root, prefix)
	if n == nil {
		return false
	}
	n.value--
	if n.value > 0 {
		return false
	}
	n.remove(parent)
	p.distinct--
	return true
}

// Match reports whether some prefix of the set begins topic. The empty prefix begins every topic. Match does not allocate.
func (p *Prefixes) Match(topic []byte) bool {
	n := &p.root
	for !n.ends { // the steps of next, written out: the call would cost up to a fifth of the time
		if len(topic) == 0 {
			return false
		}
		i := bytes.IndexByte(n.first, topic[0])
		if i < 0 {
			return false
		}
		n = n.children[i]
		if !hasPrefix(topic, n.label) {
			return false
		}
		topic = topic[len(n.label):]
	}
	return true
}

// All yields every distinct prefix once, in ascending order, until yield returns false. Each slice is a copy that the caller
// may keep. The set must not change while All runs.
func (p *Prefixes) All(yield func(prefix []byte) bool) {
	p.root.walk(nil, func(key []byte, _ *int) bool { return yield(append([]byte{}, key...)) })
}

// Len returns the number of distinct prefixes.
func (p *Prefixes) Len() int {
	return p.distinct
}
