package middleware

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// DelayOnErrorOptions configure [DelayOnError].
type DelayOnErrorOptions struct {
	// Initial is the pause after the first failure: at most Max. Default: 100 ms, or Max if that is less.
	Initial time.Duration
	// Max is where the pause stops doubling: at most 8760 h, a year. Default: 10 s, or Initial if that is more.
	Max time.Duration
}

// DelayOnError pauses after an event that has failed for good, before the error goes on, so that a dependency that does not work is not
// hammered with the events that wait: Initial after the first failure, twice as long after each that follows it without a success in between,
// up to Max. The failures of one chain are counted together: those of all workers of a subscription, and not those of other subscriptions.
// nil options mean the defaults; for options outside their limits Middleware.Err is a [*bus.OptionError].
//
// The pause ends with the context: with Close, and not with Shutdown, which waits for the pauses of all that is queued. The error is that of
// the handler in any case. [bus.ErrFiltered] is no failure, and neither is a [*bus.InlineError] of a publisher, whose event was delivered. A
// publisher, client or producer makes its caller wait.
//
// For workers of a pipeline: a task that has failed is given again after the worker's RetryDelay, or what pipeline.RetryAfter asks for, and
// meanwhile the worker begins others. That is for a task that is the trouble itself. DelayOnError is for trouble that all tasks share: it keeps the
// worker from beginning any. Both add up, since the task counts as failed when the pause is over; until then its producer waits, so keep Max
// below ProducerOptions.AckTimeout.
//
// Its phase is [bus.PhaseOutcome]: outside of Retry, whose attempts have waits of their own.
func DelayOnError(o *DelayOnErrorOptions) bus.Middleware {
	options, err := o.withDefaults()
	return bus.Middleware{Name: "delay on error", Phase: bus.PhaseOutcome, Err: err, Wrap: func(next bus.Handler) bus.Handler {
		var failures atomic.Int64 // since the last success
		return func(ctx context.Context, m *bus.Message) error {
			err := next(ctx, m)
			switch {
			case err == nil:
				if failures.Load() != 0 {
					failures.Store(0)
				}
			case !settled(m, err):
				_ = pause(ctx, options.after(failures.Add(1))) // where it ends early there is still the handler's error
			}
			return err
		}
	}}
}

// after returns the pause after that many failures.
func (o *DelayOnErrorOptions) after(failures int64) time.Duration {
	d := o.Initial
	for ; failures > 1 && d < o.Max; failures-- {
		d *= 2
	}
	return min(d, o.Max)
}

// withDefaults returns a copy with the defaults filled in.
func (o *DelayOnErrorOptions) withDefaults() (DelayOnErrorOptions, error) {
	var c DelayOnErrorOptions
	if o != nil {
		c = *o
	}
	var err error
	c.Initial, c.Max, err = growing("middleware.DelayOnErrorOptions", c.Initial, c.Max)
	return c, err
}
