package main

import (
	"bufio"
	"context"
	"io"
	"sync/atomic"
)

// printQueue is how many events wait to be printed, beyond those in the queues of the subscriptions.
const printQueue = 1024

// printer prints the events of all subscriptions, one after the other, in a goroutine. It writes out what it has printed as soon as
// nothing more is queued: a line is seen at once, and a flood costs few writes.
type printer struct {
	queue   chan event
	ended   chan struct{} // closed when nothing more will be printed
	printed atomic.Uint64
	err     error // of the writer, or of the events; set before ended is closed
}

// newPrinter returns a printer that ends after count events, or not by itself when count is 0.
func newPrinter(w io.Writer, as func(io.Writer) format, count uint64) *printer {
	p := &printer{queue: make(chan event, printQueue), ended: make(chan struct{})}
	buffered := bufio.NewWriterSize(w, 64<<10)
	go func() {
		defer close(p.ended)
		p.err = p.run(buffered, as(buffered), count)
	}()
	return p
}

func (p *printer) run(w *bufio.Writer, write format, count uint64) error {
	for e := range p.queue {
		if err := write(e); err != nil {
			return err
		}
		last := p.printed.Add(1) == count
		if last || len(p.queue) == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
	return w.Flush()
}

// handle is the handler of the subscriptions: it queues an event, waiting for room. What comes after the end is not printed.
func (p *printer) handle(_ context.Context, e event) error {
	select {
	case p.queue <- e:
	case <-p.ended:
	}
	return nil
}

// finish waits until everything queued is printed, or ctx ends. No handler may run any more.
func (p *printer) finish(ctx context.Context) error {
	close(p.queue)
	select {
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
