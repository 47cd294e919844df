package lane

// runner is a worker with its events. It outlives its goroutine when a handler ends that.
type runner[E any] struct {
	worker
	queue    *Queue[E]
	handler  Handler[E]
	events   []E  // the batch
	spare    []E  // storage that the queue had when it became idle
	panicked bool // the event at hand has been counted as failed
}

// startRunner gives the queue one more worker. The caller holds mu.
func (q *Queue[E]) startRunner() {
	r, _ := q.runners.Get().(*runner[E])
	if r == nil {
		r = &runner[E]{worker: worker{gate: &q.Gate}, queue: q, handler: q.newHandler()}
	}
	if q.ring == nil {
		q.ring, r.spare = r.spare, nil
	}
	q.active = append(q.active, &r.worker)
	go r.run()
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
			more = r.queue.take(r)
		}
	}
	ended = true
	r.queue.runners.Put(r)
}

// handleBatch handles what is left of the batch. It reports false after a panic, when there may be more left.
func (r *runner[E]) handleBatch() (complete bool) {
	defer func() {
		if complete {
			return
		}
		if v := recover(); v != nil {
			finished, _ := r.get()
			r.handler.Recovered(&r.events[finished], v)
			r.fail()
			r.panicked = true
		}
	}()
	r.panicked = false
	finished, failed := r.get()
	for i := finished; i < len(r.events); i++ {
		if r.gate.alert.Load() && !r.gate.attend() {
			r.abandon()
			break
		}
		if !r.handler.Handle(&r.events[i]) {
			failed++
		}
		r.events[i] = *new(E) // not kept alive while the next one is handled
		r.set(i+1, failed)
	}
	clear(r.events)
	r.events = r.events[:0]
	return true
}

// fail counts the event at hand as failed.
func (r *runner[E]) fail() {
	finished, failed := r.get()
	r.set(finished+1, failed+1)
}
