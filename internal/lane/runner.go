package lane

import "time"

// Handler handles the events of one worker. One goroutine at a time uses it.
type Handler[E any] interface {
	// Handle handles the events of a turn, as its comment shows. When it panics or ends its goroutine, the event at hand has failed, and Handle
	// is called again for those that follow, in another goroutine if need be.
	Handle(t *Turn[E])
	// Aborted is called with what Handle panicked with, on the stack of the panic, or with nil when it ended its goroutine. The event counts as
	// failed.
	Aborted(e *E, value any)
}

// source is where a runner gets its events.
type source[E any] interface {
	// take gives the runner its next batch. It reports false when there is none: the runner is no longer a worker then.
	take(r *runner[E]) bool
}

// runner is a worker with its events. It outlives its goroutine when a handler ends that.
type runner[E any] struct {
	Turn[E]
	source   source[E]
	handler  Handler[E]
	consumer *Consumer[E] // whose worker it is, and
	keys     []*key[E]    // the keys of its events, in a Queue
	until    time.Time    // how long it lingers for its batch to be filled; zero: it does not
	panicked bool         // the event at hand has been counted as failed
}

// run handles events until there are none.
func (r *runner[E]) run() {
	ended := false
	defer func() {
		if !ended { // Handle has called runtime.Goexit, and perhaps panicked on the way out
			if !r.panicked {
				r.handler.Aborted(r.at(), nil)
				r.fail()
			}
			go r.run()
		}
	}()
	for more := true; more; {
		if r.handleBatch() {
			more = r.source.take(r)
		}
	}
	ended = true
}

// handleBatch handles what is left of the batch. It reports false after a panic, when there may be more left.
func (r *runner[E]) handleBatch() (complete bool) {
	defer func() {
		if complete {
			return
		}
		if v := recover(); v != nil {
			r.handler.Aborted(r.at(), v)
			r.fail()
			r.panicked = true
		}
	}()
	r.panicked = false
	if r.Next() != nil {
		r.handler.Handle(&r.Turn)
	}
	if r.Next() != nil {
		r.abandon()
	}
	r.progress.Store(uint64(r.next))
	return true
}

// fail counts the event at hand as failed, or the whole batch.
func (r *runner[E]) fail() {
	r.next = r.next.after(Failed)
	for r.whole && r.next.finished() < r.count {
		r.next = r.next.after(Failed)
	}
	r.progress.Store(uint64(r.next))
}
