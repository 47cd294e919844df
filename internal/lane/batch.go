package lane

import "time"

// BatchHandler is a Handler that takes several events in one call.
type BatchHandler[E any] interface {
	Handler[E]
	// HandleBatch handles events, which it may change and has until it returns, and sets the outcome of each.
	HandleBatch(events []E, outcomes []Outcome)
}

// handleWhole is handleBatch for a handler that takes all of it at once.
func (r *runner[E]) handleWhole(h BatchHandler[E]) (complete bool) {
	r.panicked = false
	if r.next.finished() == r.count { // a handler before has ended its goroutine, or there is no batch yet
		return true
	}
	if !r.Begin() {
		r.abandon()
		return true
	}
	outcomes := make([]Outcome, r.count)
	for i := range outcomes {
		outcomes[i] = Failed
	}
	h.HandleBatch(r.batch, outcomes)
	for _, o := range outcomes {
		r.next = r.next.after(o)
	}
	r.progress.Store(uint64(r.next))
	return true
}

// Batch describes the batches that a subscription takes.
type Batch struct {
	Size   int             // events in a batch, at most
	Linger time.Duration   // how long a worker waits for a batch to be filled
	Hurry  <-chan struct{} // closed when nobody is to linger any more
}

// gathering is how the workers of a member gather their batches. The queue's lock guards it.
type gathering struct {
	Batch
	lingering bool          // a worker waits for more events
	filled    chan struct{} // has it look again
}

func newGathering(b *Batch) *gathering {
	if b == nil {
		return nil
	}
	return &gathering{Batch: *b, filled: make(chan struct{}, 1)}
}

// due reports whether so many events are to be taken now, by a worker that lingers until then; a zero time begins now.
func (g *gathering) due(available int, until *time.Time) bool {
	if until.IsZero() {
		*until = time.Now().Add(g.Linger)
	}
	select {
	case <-g.Hurry:
		return true
	default:
		return available >= g.Size || !time.Now().Before(*until)
	}
}

// look has the worker that lingers look again.
func (g *gathering) look() {
	select {
	case g.filled <- struct{}{}:
	default: // it is about to
	}
}

// wait lingers, without the lock.
func (g *gathering) wait(until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.filled:
	case <-g.Hurry:
	}
}
