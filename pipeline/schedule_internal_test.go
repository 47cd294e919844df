package pipeline

import "testing"

// A line that stays long is moved seldom, and does not grow.
func TestLineMovesSeldom(t *testing.T) {
	t.Parallel()
	const length, times = 1024, 100_000
	var l line[int]
	for i := range length {
		l.push(i)
	}
	moves := 0
	for i := range times {
		if got := l.pop(); got != i {
			t.Fatalf("%d came instead of %d", got, i)
		}
		before := l.first
		if l.push(length + i); l.first < before {
			moves++
		}
	}
	if limit := 2 * times / length; moves > limit {
		t.Errorf("moved %d times, the limit is %d", moves, limit)
	}
	if l.len() != length || cap(l.items) > 4*length {
		t.Errorf("%d wait in memory for %d", l.len(), cap(l.items))
	}
}
