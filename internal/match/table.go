package match

import "maps"

// table is a map that gives memory back when entries are deleted, as Go's maps do not. Its methods write, and m is read.
type table[K comparable, E any] struct {
	m    map[K]E
	most int // entries at once since m was made
}

func (t *table[K, E]) set(key K, entry E) {
	if t.m == nil {
		t.m = map[K]E{}
	}
	t.m[key] = entry
	t.most = max(t.most, len(t.m))
}

// delete moves what is left to a smaller map once few entries are. Waiting until a sixteenth keeps the pause short: it is about
// 15 ms after a million entries, no more than growth causes by giving work to the garbage collector.
func (t *table[K, E]) delete(key K) {
	const small, part = 64, 16
	delete(t.m, key)
	if t.most < small || len(t.m) >= t.most/part {
		return
	}
	old := t.m
	*t = table[K, E]{m: make(map[K]E, len(old)), most: len(old)}
	maps.Copy(t.m, old)
}
