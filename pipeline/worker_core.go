package pipeline

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/lane"
)

// worker is a Worker without its Go type. It is a bus.Service.
type worker struct {
	depot   *depot
	options Options
	newHand func() hand
	ctx     context.Context // of its handlers
	cancel  context.CancelFunc
	done    chan struct{}

	// Guarded by the depot's lock.
	resting []*runner
	running int
	closed  bool
	counts  workerCounts
}

// workerCounts are the counters of a worker; what runs is not among them.
type workerCounts struct {
	begun, succeeded, failed, filtered uint64
}

// hand handles the tasks of one goroutine at a time.
type hand interface {
	handle(ctx context.Context, j *job) error
}

// runner is a goroutine of a worker, or one that rests.
type runner struct {
	worker *worker
	hand   hand
	ctx    context.Context
	job    job
}

var errExited = errors.New("pipeline: the handler has ended its goroutine")

func newWorker(d *depot, o *Options, newHand func() hand) *worker {
	w := &worker{depot: d, options: *o, newHand: newHand, done: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(d.hub.bus.Context())
	return w
}

// active reports whether the worker takes tasks.
func (w *worker) active() bool { return !w.closed }

// over reports whether it has ended.
func (w *worker) over() bool { return change.Closed(w.done) }

// busy reports whether all its handlers run.
func (w *worker) busy() bool { return w.running == w.options.Workers }

// takes reports whether it handles the tasks of an intake. What came in the plain form cannot be given back, so it is handled even after Close.
func (w *worker) takes(i *intake) bool {
	if i.plain {
		return w.options.Default
	}
	return !w.closed
}

// begin has a handler begin with the next task, if there is one. The depot is locked.
func (w *worker) begin() bool {
	j, ok := w.depot.crew.take(w)
	if !ok {
		return false
	}
	w.running++
	w.counts.begun++
	var r *runner
	if n := len(w.resting); n > 0 {
		r, w.resting = w.resting[n-1], w.resting[:n-1]
	} else {
		r = &runner{worker: w, hand: w.newHand()}
		r.ctx = &deliveryContext{bus.HandlerContext(w.ctx, &lane.Caller{Graph: w.depot.hub.bus.Graph()}), r}
	}
	r.job = j
	go r.run()
	return true
}

// run handles tasks until there are none.
func (r *runner) run() {
	returned := false
	defer func() {
		if !returned && r.next(errExited) { // the handler has called runtime.Goexit
			go r.run()
		}
	}()
	for r.next(r.handle()) {
	}
	returned = true
}

// handle calls the handler. A panic becomes an error.
func (r *runner) handle() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &bus.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return r.hand.handle(r.ctx, &r.job)
}

// next books how the task has ended, and takes the next one. It reports false if there is none.
func (r *runner) next(err error) bool {
	w := r.worker
	filtered := err != nil && errors.Is(err, bus.ErrFiltered)
	if err != nil && !filtered {
		w.log(&r.job, err)
	}
	d := w.depot
	d.lock()
	defer d.unlock()
	switch {
	case filtered:
		w.counts.filtered++
		d.crew.finished(&r.job, nil, 0)
	case err == nil:
		w.counts.succeeded++
		d.crew.finished(&r.job, nil, 0)
	default:
		w.counts.failed++
		d.crew.finished(&r.job, err, delayAfter(err, w.options.RetryDelay, r.job.count()))
	}
	d.queue.pump()
	if !d.over {
		var ok bool
		if r.job, ok = d.crew.take(w); ok {
			w.counts.begun++
			return true
		}
	}
	r.job = job{}
	w.running--
	w.resting = append(w.resting, r)
	w.rest()
	return false
}

// rest tells the end of a closed worker, and that it is idle. The depot is locked.
func (w *worker) rest() {
	if w.running > 0 {
		return
	}
	w.depot.quiet.Tell()
	if w.closed { // and what it has to handle itself is handled: it would run
		w.end()
	}
}

// end is the end of the worker.
func (w *worker) end() {
	if w.over() {
		return
	}
	w.depot.crew.dismiss(w)
	w.cancel()
	close(w.done)
}

// log tells of a task that failed.
func (w *worker) log(j *job, err error) {
	entry := w.depot.hub.bus.Logger().Error().Err(err).Str("worker", w.options.Name).Str("task", w.depot.name).Uint64("seq", j.seq).Int("attempt", j.count())
	var panicked *bus.PanicError
	if errors.As(err, &panicked) {
		entry = entry.Bytes("stack", panicked.Stack)
	}
	entry.Msg("task failed")
}

// Name is what the bus calls it.
func (w *worker) Name() string { return `worker "` + w.options.Name + `"` }

// Of is that of [bus.Service].
func (w *worker) Of() (kind, name string) { return "worker", w.options.Name }

// Drain has nothing to do: the depot takes no more from other processes.
func (w *worker) Drain() {}

// Idle reports whether nothing runs or waits here.
func (w *worker) Idle() (<-chan struct{}, uint64) {
	d := w.depot
	quiet := d.quiet.Next()
	d.lock()
	defer d.unlock()
	if w.running == 0 && !d.crew.pending() {
		return nil, w.counts.begun
	}
	return quiet, w.counts.begun
}

// Left counts what runs, and what came in the plain form and waits; everything else is the queue's.
func (w *worker) Left() (queued, running uint64) {
	d := w.depot
	d.lock()
	defer d.unlock()
	if w.options.Default {
		for _, i := range d.crew.intakes {
			if i.plain {
				queued += uint64(i.held.len())
			}
		}
	}
	return queued, uint64(w.running)
}

// Close ends it at the end of the bus.
func (w *worker) Close() {
	w.cancel()
	w.close()
}

// close has it take no more tasks.
func (w *worker) close() {
	d := w.depot
	d.lock()
	defer d.unlock()
	if w.closed {
		return
	}
	w.closed = true
	d.crew.changed()
	if w.running == 0 {
		w.end()
	}
}

// Done is closed when it was closed and its last handler has returned.
func (w *worker) Done() <-chan struct{} { return w.done }
