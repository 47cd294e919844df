package pipeline

import "container/heap"

// order is a heap of sequences, the least first: what was given back goes before what was never given, and in the order in which it was sent.
type order []uint64

func (o order) Len() int           { return len(o) }
func (o order) Less(i, j int) bool { return o[i] < o[j] }
func (o order) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }
func (o *order) Push(x any)        { *o = append(*o, x.(uint64)) }

func (o *order) Pop() any {
	last := len(*o) - 1
	x := (*o)[last]
	*o = (*o)[:last]
	return x
}

func (o *order) add(seq uint64) { heap.Push(o, seq) }
func (o *order) drop()          { heap.Pop(o) }

// appointment is when a task is to be given again.
type appointment struct {
	at  int64 // Unix nanoseconds
	seq uint64
}

// agenda is a heap of appointments, the next one first.
type agenda []appointment

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(appointment)) }

func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}

func (a *agenda) add(at int64, seq uint64) { heap.Push(a, appointment{at, seq}) }
func (a *agenda) drop()                    { heap.Pop(a) }

// line is a queue whose memory is used again. What waits is moved when that makes at least as much room, so that each push costs the same.
type line[E any] struct {
	items []E
	first int
}

func (l *line[E]) len() int { return len(l.items) - l.first }

func (l *line[E]) push(e E) {
	if len(l.items) == cap(l.items) && l.first > l.len() {
		n := copy(l.items, l.items[l.first:])
		clear(l.items[n:])
		l.items, l.first = l.items[:n], 0
	}
	l.items = append(l.items, e)
}

// front returns the first one, which must be there. It is valid until the next push.
func (l *line[E]) front() *E { return &l.items[l.first] }

func (l *line[E]) pop() (e E) {
	var none E
	e, l.items[l.first] = l.items[l.first], none
	if l.first++; l.first == len(l.items) {
		l.items, l.first = l.items[:0], 0
	}
	return e
}
