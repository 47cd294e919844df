package memory

const (
	firstStorage = 8   // items
	restStorage  = 256 // items; an empty queue gives back more
)

// queue is a ring that grows as needed. The zero value is empty.
type queue[T any] struct {
	ring    []T // its length is 0 or a power of two
	head, n int
}

func (q *queue[T]) len() int { return q.n }

func (q *queue[T]) push(v T) {
	if q.n == len(q.ring) {
		larger := make([]T, max(2*q.n, firstStorage))
		q.copy(larger)
		q.ring, q.head = larger, 0
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = v
	q.n++
}

// last returns the newest item for a change, nil if there is none.
func (q *queue[T]) last() *T {
	if q.n == 0 {
		return nil
	}
	return &q.ring[(q.head+q.n-1)&(len(q.ring)-1)]
}

// take moves the oldest items into dst, as many as fit, and returns how many that are.
func (q *queue[T]) take(dst []T) int {
	n := q.copy(dst)
	if n == q.n {
		if len(q.ring) > restStorage {
			q.ring = nil
		} else {
			q.forget(n)
		}
		q.head, q.n = 0, 0
		return n
	}
	q.forget(n)
	q.head = (q.head + n) & (len(q.ring) - 1)
	q.n -= n
	return n
}

// copy copies the oldest items to dst, as many as fit.
func (q *queue[T]) copy(dst []T) int {
	want := min(len(dst), q.n)
	n := copy(dst[:want], q.ring[q.head:])
	return n + copy(dst[n:want], q.ring)
}

// forget lets go of what the n oldest items point to.
func (q *queue[T]) forget(n int) {
	end := min(q.head+n, len(q.ring))
	clear(q.ring[q.head:end])
	clear(q.ring[:n-(end-q.head)])
}

// clear drops all items, and returns how many that were.
func (q *queue[T]) clear() int {
	n := q.n
	*q = queue[T]{}
	return n
}
