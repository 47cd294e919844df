package lane

// Handler handles the events of one worker. One goroutine at a time uses it.
type Handler[E any] interface {
	// Handle handles one event, which it may change. If it ends its goroutine, that counts as failed and another goroutine goes on.
	Handle(e *E) Outcome
	// Recovered is called with what Handle panicked with, on the stack of the panic. The event counts as failed.
	Recovered(e *E, value any)
}

// source is where a runner gets its events.
type source[E any] interface {
	// take gives the runner its next batch. It reports false when there is none: the runner is no longer a worker then.
	take(r *runner[E]) bool
}

// runner is a worker with its events. It outlives its goroutine when a handler ends that.
type runner[E any] struct {
	worker
	source   source[E]
	handler  Handler[E]
	batch    []E          // a ring: its length is a power of two
	from     uint64       // where the first event of the batch is in it
	count    int          // events in the batch, whatever was given up since
	event    E            // the one at hand, a copy: handlers never see the memory of a queue
	consumer *Consumer[E] // whose worker it is, and
	lane     *key[E]      // the key of the event, in a Queue
	panicked bool         // the event at hand has been counted as failed
}

// run handles events until there are none.
func (r *runner[E]) run() {
	ended := false
	defer func() {
		if !ended { // Handle has called runtime.Goexit, and perhaps panicked on the way out
			if !r.panicked {
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
			r.handler.Recovered(&r.event, v)
			r.fail()
			r.panicked = true
		}
	}()
	r.panicked = false
	p, gate, batch, mask := r.get(), r.member.gate, r.batch, uint64(len(r.batch)-1)
	for p.finished() < r.count {
		if gate.alert.Load() && !gate.attend(r.member.roster) {
			r.abandon()
			break
		}
		r.event = batch[(r.from+uint64(p.finished()))&mask]
		p = p.after(r.handler.Handle(&r.event))
		r.progress.Store(uint64(p))
	}
	r.event = *new(E)
	return true
}

// fail counts the event at hand as failed.
func (r *runner[E]) fail() { r.progress.Store(uint64(r.get().after(Failed))) }
