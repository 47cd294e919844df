package middleware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// ErrBusy is matched by the errors of a [Bulkhead] that had no place for a call for as long as it may wait. The call was not made.
var ErrBusy = errors.New("middleware: too many calls at the same time")

// BulkheadOptions are how a [Bulkhead] works.
type BulkheadOptions struct {
	// MaxWait is how long a call waits for a place; less than 0: not at all. Default: until its context ends.
	MaxWait time.Duration
}

// Bulkhead makes at most n calls at the same time; more wait for a place, in order. It is for handlers that would take all of something that
// others need as well, such as the connections to a database. On the publish side it limits how many events are being published.
//
// All chains that the value is used in share the n places. A call waits until its context ends, and then returns the context's error, or for
// MaxWait, and then fails with an error that matches [ErrBusy]. A place is free again when the call returns, panics, or ends its goroutine.
// A handler that publishes through the Bulkhead that it is in takes one more place: where that may use up all of them, take two values,
// or set MaxWait. n is 1 or more; nil options mean the defaults.
func Bulkhead(n int, o *BulkheadOptions) bus.Middleware {
	made := bus.Middleware{Name: "bulkhead", Phase: bus.PhaseProtect}
	if n < 1 {
		made.Err = &bus.OptionError{Field: "middleware.Bulkhead n", Value: n, Limit: "1 or more"}
		return made
	}
	p := &places{taken: make(chan struct{}, n)}
	if o != nil {
		p.maxWait = o.MaxWait
	}
	made.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			select {
			case p.taken <- struct{}{}:
			default:
				if err := p.wait(ctx); err != nil {
					return err
				}
			}
			defer func() { <-p.taken }()
			return next(ctx, m)
		}
	}
	return made
}

// places are those of a [Bulkhead].
type places struct {
	taken   chan struct{}
	maxWait time.Duration
}

// wait takes a place as soon as there is one.
func (p *places) wait(ctx context.Context) error {
	if p.maxWait < 0 {
		return fmt.Errorf("%w: all %d places of the bulkhead are taken", ErrBusy, cap(p.taken))
	}
	var late <-chan time.Time // never, without a limit
	if p.maxWait > 0 {
		timer := time.NewTimer(p.maxWait)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case p.taken <- struct{}{}:
		return nil
	case <-late:
		return fmt.Errorf("%w: all %d places of the bulkhead were taken for %v", ErrBusy, cap(p.taken), p.maxWait)
	case <-ctx.Done():
		return fmt.Errorf("middleware: waiting for one of the %d places of the bulkhead: %w", cap(p.taken), ctx.Err())
	}
}
