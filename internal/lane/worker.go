package lane

import "sync/atomic"

// Outcome is how the handling of an event ended.
type Outcome uint8

const (
	// Succeeded is the outcome of a handler that did its work.
	Succeeded Outcome = iota
	// Failed is the outcome of one that did not.
	Failed
	// Filtered is the outcome of one that did not want the event.
	Filtered
)

// maxBatch is how many events a worker takes under one lock, at most: what the parts of progress can count.
const maxBatch = 1<<progressBits - 1

const progressBits = 21

// progress packs how many events of a batch are finished, and how many of those failed or were filtered.
type progress uint64

func (p progress) finished() int { return int(p & maxBatch) }
func (p progress) failed() int   { return int(p >> progressBits & maxBatch) }
func (p progress) filtered() int { return int(p >> (2 * progressBits) & maxBatch) }

// after returns the progress after one more event.
func (p progress) after(o Outcome) progress {
	switch o {
	case Failed:
		p += 1 << progressBits
	case Filtered:
		p += 1 << (2 * progressBits)
	}
	return p + 1
}

// Worker is what a member knows of a goroutine that handles events, a batch at a time.
type Worker struct {
	member *Member
	alert  *atomic.Bool // the gate's
	size   int          // events in the batch; guarded by the lock
	batch  uint64       // counts batches; guarded by the lock
	whole  bool         // the batch is handled as one: all of it is running

	// progress is written by the worker before each event and at the end, so that counters can be read at any moment and publishers learn of
	// room without the worker taking a lock. The event after the finished ones, if there is one, is being handled.
	_        [64]byte
	progress atomic.Uint64
	next     progress // what Begin makes known; only the worker uses it
	_        [48]byte
}

// attend is what Begin does when alert is set. It reports false when the queue is closed.
func (w *Worker) attend() bool { return w.member.gate.attend(w.member.roster) }

func (w *Worker) get() progress { return progress(w.progress.Load()) }

// waiting counts the events of the batch that no handler has begun. The caller holds the lock.
func (w *Worker) waiting() int {
	if w.whole {
		return 0
	}
	return max(w.size-w.get().finished()-1, 0)
}

// addTo adds the batch to t. The caller holds the lock.
func (w *Worker) addTo(t *Totals) {
	p := w.get()
	t.Succeeded += uint64(p.finished() - p.failed() - p.filtered())
	t.Failed += uint64(p.failed())
	t.Filtered += uint64(p.filtered())
	if left := w.size - p.finished(); left > 0 {
		queued := w.waiting()
		t.Running += uint64(left - queued)
		t.Queued += uint64(queued)
	}
}

// begin makes size the batch, and books the one before. The caller holds the lock.
func (w *Worker) begin(size int) {
	w.addTo(&w.member.totals)
	w.size = size
	w.batch++
	w.next = 0
	w.progress.Store(0)
}

// abandon gives up the event that the end of the subscription came before. What is behind it was given up by cut.
func (w *Worker) abandon() {
	m := w.member
	m.gate.mu.Lock()
	defer m.gate.mu.Unlock()
	finished := w.get().finished()
	m.totals.Abandoned += uint64(w.size - finished)
	w.size = finished
}

// cut gives up the events of the batch that no handler has begun. The caller holds the lock, and has set alert: the worker begins
// nothing after those that are counted as begun here.
func (w *Worker) cut() {
	rest := w.waiting()
	w.size -= rest
	w.member.totals.Abandoned += uint64(rest)
}
