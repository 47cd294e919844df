package subscriber

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/topic"
)

const (
	defaultBatch  = 100
	maxBatch      = 1 << 20
	defaultLinger = 10 * time.Millisecond
)

// BatchOptions are how a subscription that takes batches works.
type BatchOptions struct {
	Options
	// Size is how many events a batch has, at most: 1 to 1,048,576, and not more than Queue. Default: 100.
	Size int
	// Linger is how long a worker waits for a batch to be filled, from when it has the first event. Shutdown ends the waiting. Default: 10 ms.
	// Negative: not at all.
	Linger time.Duration
}

// Batch is New for a handler that takes several events at once, in the order in which a handler of one would get them: as soon as there
// are Size, or after Linger. With several workers a batch has at most one event of each key.
//
// A handler that returns a [*bus.BatchError] tells which events failed; after any other error, a panic, or the end of its goroutine all of
// them have failed. An event whose payload does not decode fails alone. The slice belongs to the handler until it returns.
//
// Middleware wraps each event before it comes into its batch: it may change and refuse events, but does not see what becomes of the batch.
// Inline must be left alone. The errors of Batch are those of New.
func Batch[T any](b *bus.Bus, sel topic.Selector[T], handler func(ctx context.Context, events []topic.Event[T]) error, o *BatchOptions) (*Subscription, error) {
	if handler == nil {
		return nil, &bus.OptionError{Field: "subscriber.Batch handler", Value: nil, Limit: "a function"}
	}
	var options BatchOptions
	if o != nil {
		options = *o
	}
	if err := options.check(b); err != nil {
		return nil, err
	}
	return subscribe(b, sel, &options.Options, callSite(), func(s *sink[T]) { s.batch(handler, &options) })
}

// check fills in the defaults, and returns an error for the first option outside its limits.
func (o *BatchOptions) check(*bus.Bus) error {
	o.Size, o.Linger = cmp.Or(o.Size, defaultBatch), cmp.Or(o.Linger, defaultLinger)
	if o.Queue == 0 {
		o.Queue = max(defaultQueue, o.Size)
	}
	switch {
	case o.Size < 0 || o.Size > maxBatch:
		return &bus.OptionError{Field: "subscriber.BatchOptions.Size", Value: o.Size, Limit: "1 to 1048576, or 0 for 100"}
	case o.Size > o.Queue && o.Queue > 0:
		return &bus.OptionError{Field: "subscriber.BatchOptions.Size", Value: o.Size, Limit: fmt.Sprintf("no more than Queue, %d", o.Queue)}
	case o.Inline:
		return &bus.OptionError{Field: "subscriber.Options.Inline", Value: true, Limit: "false for batches"}
	}
	return nil
}

// batch makes s a subscription that takes batches. Its chain ends in the collecting of an event.
func (s *sink[T]) batch(handler func(context.Context, []topic.Event[T]) error, o *BatchOptions) {
	s.batches = &lane.Batch{Size: o.Size, Linger: o.Linger, Hurry: s.bus.Draining()}
	s.handler = func(ctx context.Context, e topic.Event[T]) error {
		ctx.Value(batchKey[T]{}).(*batchWorker[T]).collect(e)
		return nil
	}
	s.newHandler = func() lane.Handler[topic.Event[T]] {
		w := &batchWorker[T]{worker: s.newWorker(), handler: handler}
		w.collecting = context.WithValue(w.ctx, batchKey[T]{}, w)
		return w
	}
}

type batchKey[T any] struct{}

// batchWorker calls the handler of a subscription that takes batches.
type batchWorker[T any] struct {
	*worker[T]
	handler    func(context.Context, []topic.Event[T]) error
	collecting context.Context // of the chain
	at         int             // the event that is being collected
	events     []topic.Event[T]
	from       []int // which event of the queue's batch each of events is: middleware may multiply them
}

func (w *batchWorker[T]) collect(e topic.Event[T]) {
	w.events, w.from = append(w.events, e), append(w.from, w.at)
}

// Handle collects the events, and calls the handler with those that came through.
func (w *batchWorker[T]) Handle(t *lane.Turn[topic.Event[T]]) {
	in := t.All()
	if !t.Begin() {
		return
	}
	defer w.forget()
	outcomes := make([]lane.Outcome, len(in))
	for i := range in {
		w.at = i
		before := len(w.events)
		if err := w.take(&in[i]); err != nil {
			w.keep(before)
			outcomes[i] = w.failed(&in[i], err)
		}
	}
	if len(w.events) > 0 {
		failures := w.failures(w.handler(w.ctx, w.events))
		for _, k := range slices.Sorted(maps.Keys(failures)) {
			i := w.from[k]
			if o := w.failed(&in[i], failures[k]); outcomes[i] != lane.Failed {
				outcomes[i] = o
			}
		}
	}
	for _, o := range outcomes {
		t.End(o)
	}
}

// take takes one event through the chain. A panic in it is that event's failure.
func (w *batchWorker[T]) take(e *topic.Event[T]) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &bus.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	w.event = *e
	return w.call(w.collecting)
}

// failures returns why events of the batch failed, by index.
func (w *batchWorker[T]) failures(err error) map[int]error {
	if err == nil {
		return nil
	}
	var some *bus.BatchError
	if errors.As(err, &some) {
		indices := slices.Sorted(maps.Keys(some.Failed))
		beyond := slices.IndexFunc(indices, func(i int) bool { return i < 0 || i >= len(w.events) })
		if beyond < 0 {
			return some.Failed
		}
		// Not wrapped: what it says of one event is not to be taken for all.
		err = fmt.Errorf("index %d of the BatchError is not one of the %d events: %v", indices[beyond], len(w.events), err)
	}
	all := make(map[int]error, len(w.events))
	for i := range w.events {
		all[i] = err
	}
	return all
}

// keep forgets all events of the batch but the first n.
func (w *batchWorker[T]) keep(n int) {
	clear(w.events[n:])
	w.events, w.from = w.events[:n], w.from[:n]
}

func (w *batchWorker[T]) forget() {
	w.worker.forget()
	w.keep(0)
}
