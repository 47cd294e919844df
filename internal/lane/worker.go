package lane

import "sync/atomic"

// worker is what the gate knows of a goroutine that handles events, a batch at a time.
type worker struct {
	gate *Gate
	size int // events in the batch; guarded by gate.mu

	// progress is written by the worker before each event, so that counters can be read at any moment and publishers learn
	// of room without the worker taking a lock. Lower half: how many events of the batch are finished; the next one, if
	// there is one, is being handled. Upper half: how many of the finished ones failed.
	progress atomic.Uint64
}

func (w *worker) set(finished, failed int) { w.progress.Store(uint64(failed)<<32 | uint64(finished)) }

func (w *worker) get() (finished, failed int) {
	p := w.progress.Load()
	return int(p & 0xFFFFFFFF), int(p >> 32)
}

// waiting counts the events of the batch that no handler has begun. The caller holds gate.mu.
func (w *worker) waiting() int {
	finished, _ := w.get()
	return max(w.size-finished-1, 0)
}

// addTo adds the batch to t. The caller holds gate.mu.
func (w *worker) addTo(t *Totals) {
	finished, failed := w.get()
	t.Succeeded += uint64(finished - failed)
	t.Failed += uint64(failed)
	if finished < w.size {
		t.Running++
		t.Queued += uint64(w.size - finished - 1)
	}
}

// begin makes size the batch, and books the one before. The caller holds gate.mu.
func (w *worker) begin(size int) {
	w.addTo(&w.gate.totals)
	w.size = size
	w.set(0, 0)
}

// abandon gives up the event that the queue's end came before. What is behind it was given up by Gate.close.
func (w *worker) abandon() {
	g := w.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	finished, _ := w.get()
	g.totals.Abandoned += uint64(w.size - finished)
	w.size = finished
}
