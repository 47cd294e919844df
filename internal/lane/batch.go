package lane

import "time"

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
