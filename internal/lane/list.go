package lane

// node is an event that waits in a Queue. It is in up to three lists: of all that wait, of the events of its key, and of those that may be
// handled now.
type node[E any] struct {
	event E
	key   *key[E]  // nil for events without one
	ready *list[E] // the list of those that may be handled now, that it is in; nil if another event of its key comes first
	order uint64   // of arrival
	links [3]links[E]
}

type links[E any] struct{ prev, next *node[E] }

// which of its links a list uses.
const (
	byArrival = iota
	byKey
	byReadiness
)

// list is a list of nodes.
type list[E any] struct {
	head, tail *node[E]
	length     int
}

func (l *list[E]) push(which int, n *node[E]) {
	l.length++
	n.links[which] = links[E]{prev: l.tail}
	if l.tail == nil {
		l.head = n
	} else {
		l.tail.links[which].next = n
	}
	l.tail = n
}

func (l *list[E]) remove(which int, n *node[E]) {
	l.length--
	at := n.links[which]
	n.links[which] = links[E]{}
	if at.prev == nil {
		l.head = at.next
	} else {
		at.prev.links[which].next = at.next
	}
	if at.next == nil {
		l.tail = at.prev
	} else {
		at.next.links[which].prev = at.prev
	}
}
