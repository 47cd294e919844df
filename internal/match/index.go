package match

// Index finds the values whose selectors match a topic, without asking the others. The zero value is an empty index, ready to
// use. It must not be copied once used, and is not safe for concurrent use: the owner locks.
//
// Values are compared by ==. Strings of selectors are kept until, and parts of them possibly after, their removal.
type Index[V comparable] struct {
	names    table[string, values[V]]
	prefixes node[values[V]]
	patterns patterns[V]
	entries  int
}

// Add makes v one of the values for the topics that s selects. Adding it for several selectors, or for one several times, counts
// each time.
func (x *Index[V]) Add(s Selector, v V) {
	x.entries++
	switch s.kind {
	case byPrefix:
		n := insert(&x.prefixes, s.text)
		n.value.add(v, n.ends)
		n.ends = true
	case byPattern:
		n := x.patterns.insert(s.text)
		n.value.add(v, n.ends)
		n.ends = true
	default:
		of, exist := x.names.m[s.text]
		of.add(v, exist)
		x.names.set(s.text, of)
	}
}

// Remove takes back one Add of v for s, an equal selector, and reports whether there was one. It frees what served only that,
// and from time to time moves what is left to less memory.
func (x *Index[V]) Remove(s Selector, v V) bool {
	if !x.remove(s, v) {
		return false
	}
	x.entries--
	return true
}

func (x *Index[V]) remove(s Selector, v V) bool {
	switch s.kind {
	case byPrefix:
		return x.removePrefix(s.text, v)
	case byPattern:
		return x.patterns.remove(&x.patterns.root, s.text, v)
	default:
		return x.removeName(s.text, v)
	}
}

func (x *Index[V]) removeName(name string, v V) bool {
	of, exist := x.names.m[name]
	if !exist {
		return false
	}
	found, remain := of.remove(v)
	switch {
	case !remain:
		x.names.delete(name)
	case found:
		x.names.set(name, of)
	}
	return found
}

func (x *Index[V]) removePrefix(prefix string, v V) bool {
	n, parent := find(&x.prefixes, prefix)
	if n == nil {
		return false
	}
	found, remain := n.value.remove(v)
	if !remain {
		n.remove(parent)
	}
	return found
}

// Append appends to dst the values whose selectors match topic, one for each Add and in no particular order, and returns the
// extended slice, which is the caller's. It allocates only where dst lacks room.
//
// The topic may be any bytes. Whatever it is, Append looks up one name, walks the prefixes without seeing a byte of the topic
// twice, and visits each node of the patterns at most once. These have at most one node for each of their segments, and share
// those of a common beginning; few nodes can match unless the patterns differ in where their wildcards are.
func (x *Index[V]) Append(dst []V, topic string) []V {
	if of, exist := x.names.m[topic]; exist {
		dst = of.appendTo(dst)
	}
	dst = x.patterns.appendTo(dst, &x.patterns.root, topic)
	for n := &x.prefixes; n != nil; n = next(n, topic) {
		topic = topic[len(n.label):]
		if n.ends {
			dst = n.value.appendTo(dst)
		}
	}
	return dst
}

// All yields every value, once for each Add and in no particular order, until yield returns false. The index must not change
// while All runs.
func (x *Index[V]) All(yield func(V) bool) {
	for _, of := range x.names.m {
		if !of.all(yield) {
			return
		}
	}
	if x.prefixes.walk(nil, func(_ []byte, of *values[V]) bool { return of.all(yield) }) {
		x.patterns.all(yield)
	}
}

// Len returns how many Adds were not taken back.
func (x *Index[V]) Len() int {
	return x.entries
}
