package pipeline

import (
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/change"
)

// room is how much of a producer's queue is free. Taking and giving cost an atomic addition: every task does both.
type room struct {
	limit  int64
	taken  atomic.Int64
	wanted atomic.Bool // somebody waits for freed
	freed  change.Signal
}

// take takes a place, and reports whether there was one.
func (r *room) take() bool {
	if r.taken.Add(1) <= r.limit {
		return true
	}
	r.give(1)
	return false
}

// give frees places.
func (r *room) give(n int64) {
	if r.taken.Add(-n) < r.limit && r.wanted.Load() {
		r.wanted.Store(false)
		r.freed.Tell()
	}
}

// next returns a channel that is closed when a place was freed. The caller takes it, then tries once more, and waits.
func (r *room) next() <-chan struct{} {
	freed := r.freed.Next()
	r.wanted.Store(true)
	return freed
}
