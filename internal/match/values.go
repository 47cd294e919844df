package match

import "slices"

// values are what was added for one selector, never nothing: who owns them knows whether they exist. Most selectors have one
// value, which therefore costs no slice.
type values[V comparable] struct {
	one  V
	many *many[V] // all values, unless one is the only one
}

// many are values that keep add and remove cheap however many there are.
type many[V comparable] struct {
	list []counted[V]  // distinct, in no order
	at   table[V, int] // where in list each is, for lists too long to search
}

// counted is a value and how often it was added.
type counted[V comparable] struct {
	value V
	times int
}

// Lists are searched up to longSearch values, and again from shortSearch on: apart, so that a list of about that length does
// not make and drop its table by turns.
const (
	longSearch  = 16
	shortSearch = 8
)

// add adds v to the values that exist, or makes it the only one.
func (s *values[V]) add(v V, exist bool) {
	if !exist {
		*s = values[V]{one: v}
		return
	}
	if s.many == nil {
		*s = values[V]{many: &many[V]{list: []counted[V]{{s.one, 1}}}}
	}
	s.many.add(v)
}

// remove takes back one add of v and reports whether there was one, and whether values remain.
func (s *values[V]) remove(v V) (found, remain bool) {
	if s.many == nil {
		if s.one != v {
			return false, true
		}
		*s = values[V]{}
		return true, false
	}
	found = s.many.remove(v)
	if list := s.many.list; len(list) == 1 && list[0].times == 1 {
		*s = values[V]{one: list[0].value}
	}
	return found, true
}

// all yields every value as often as it was added, and reports whether to go on.
func (s *values[V]) all(yield func(V) bool) bool {
	if s.many == nil {
		return yield(s.one)
	}
	for _, c := range s.many.list {
		for range c.times {
			if !yield(c.value) {
				return false
			}
		}
	}
	return true
}

// appendTo is all without the calls.
func (s *values[V]) appendTo(dst []V) []V {
	if s.many == nil {
		return append(dst, s.one)
	}
	for _, c := range s.many.list {
		for range c.times {
			dst = append(dst, c.value)
		}
	}
	return dst
}

// index returns where v is in the list, or -1.
func (m *many[V]) index(v V) int {
	if m.at.m == nil {
		return slices.IndexFunc(m.list, func(c counted[V]) bool { return c.value == v })
	}
	if i, found := m.at.m[v]; found {
		return i
	}
	return -1
}

func (m *many[V]) add(v V) {
	if i := m.index(v); i >= 0 {
		m.list[i].times++
		return
	}
	m.list = append(m.list, counted[V]{v, 1})
	switch last := len(m.list) - 1; {
	case m.at.m != nil:
		m.at.set(v, last)
	case last == longSearch:
		for i, c := range m.list {
			m.at.set(c.value, i)
		}
	}
}

func (m *many[V]) remove(v V) (found bool) {
	i := m.index(v)
	if i < 0 {
		return false
	}
	if m.list[i].times--; m.list[i].times > 0 {
		return true
	}
	last := len(m.list) - 1
	moved := m.list[last]
	m.list[i] = moved
	m.list = slim(slices.Delete(m.list, last, last+1))
	switch {
	case last == shortSearch:
		m.at = table[V, int]{}
	case m.at.m != nil:
		m.at.set(moved.value, i)
		m.at.delete(v) // after set: v may be what moved
	}
	return true
}
