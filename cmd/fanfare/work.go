package main

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
)

// doing is what is done with a task.
type doing func(ctx context.Context, payload []byte) error

// work does tasks, one after the other, until there were enough.
type work struct {
	do      doing
	count   uint64           // that is enough; 0: never
	worker  *pipeline.Worker // set before started is closed
	started chan struct{}
	ended   chan struct{} // closed when nothing more is to be done
	err     error         // of the output; set before ended is closed

	done    atomic.Uint64
	dropped atomic.Uint64 // came from plain peers after there were enough
}

// startWork does the tasks of that name on b.
func startWork(b *bus.Bus, t task, do doing, count uint64, o *pipeline.Options) (*work, error) {
	w := &work{do: do, count: count, started: make(chan struct{}), ended: make(chan struct{})}
	defer close(w.started)
	var err error
	w.worker, err = pipeline.NewWorker(b, t, w.handle, o)
	return w, err
}

// handle is the handler of the tasks. It is called by one goroutine at a time.
func (w *work) handle(ctx context.Context, payload []byte) error {
	<-w.started
	select {
	case <-w.ended:
		w.dropped.Add(1)
		return nil
	default:
	}
	err := w.do(ctx, payload)
	if _, broken := errors.AsType[*outputError](err); broken {
		w.end(err)
	}
	if err == nil && w.done.Add(1) == w.count {
		w.end(nil)
	}
	return err
}

// end gives back what nothing was done with yet.
func (w *work) end(err error) {
	w.err = err
	_ = w.worker.Close() // which has no error
	close(w.ended)
}

// outputError says that stdout takes no more.
type outputError struct{ err error }

func (e *outputError) Error() string { return e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// printing prints a task as a line of JSON. The line is out when it returns nil.
func printing(w io.Writer) doing {
	encoder := newEncoder(w)
	return func(ctx context.Context, payload []byte) error {
		d, _ := pipeline.DeliveryFrom(ctx)
		if err := encoder.Encode(recordOfTask(d, payload)); err != nil {
			return &outputError{err}
		}
		return nil
	}
}
