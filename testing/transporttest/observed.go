package transporttest

import (
	"context"
	"sync"
	"time"
)

// observed is a context that tells when somebody asks for its end: who does that is about to wait.
type observed struct {
	context.Context
	once  sync.Once
	asked chan struct{} // closed then
}

func observe() (*observed, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	return &observed{Context: ctx, asked: make(chan struct{})}, cancel
}

// Done is that of the context.
func (o *observed) Done() <-chan struct{} {
	o.once.Do(func() { close(o.asked) })
	return o.Context.Done()
}

// waits returns when a call with that context is about to wait, or is over.
func (s *stage) waits(ctx *observed, over <-chan struct{}, what string) {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-ctx.asked:
	case <-over:
	case <-late.C:
		s.failf("expected %s to return, or to wait for the end of its context, but after %v it has not asked for that", what, patience)
	}
}
