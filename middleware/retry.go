package middleware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/fanfare-go/fanfare/bus"
)

// Retry makes another attempt when one has failed, after a wait that grows from one to the next (exponential backoff with jitter, by
// github.com/cenkalti/backoff). nil options mean the defaults. One whose options are outside their limits has a [*bus.OptionError] in
// Middleware.Err.
//
// When the last attempt has failed, its error is returned with the number of attempts in front ("after 3 attempts: …"); that of a first one
// that is not tried again is returned as it is. The wait ends with the context: then the error is the handler's and the context's. With
// [backoff.RetryAfterError] somewhere in it, an error says how long the wait is to be.
//
// Never tried again, whatever RetryOptions.Retryable says, are: [bus.ErrFiltered]; the [*bus.InlineError] of the event that is being published, as it was
// delivered; what [Permanent] or [backoff.Permanent] has marked; and anything once the context has ended.
//
// Each attempt begins with the message as it came to Retry: headers and payload that middleware further inside has set are taken back when
// an attempt fails, the last one included. An ID that it was given stays: all attempts are for the same event. What the value points to is
// not taken back: a handler does not change it anyway. Message.Attempt counts.
//
// A subscription's worker is at the event until its last attempt, so events of its key wait for it. Publish, Send and Do wait as well. A worker
// of a pipeline has its tasks given again after Retry has failed: there Retry is for what is over in a moment.
//
// Its phase is [bus.PhaseRetry], which has the reasons for what stands outside and inside of it.
func Retry(o *RetryOptions) bus.Middleware {
	options, err := o.withDefaults()
	r := &retry{options}
	return bus.Middleware{Name: "retry", Phase: bus.PhaseRetry, Attempts: options.Attempts, Err: err, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error { return r.handle(ctx, m, next) }
	}}
}

// Permanent marks an error that another attempt would not change, for [Retry]. nil stays nil.
func Permanent(err error) error { return backoff.Permanent(err) }

// retry has nothing but options: chains that share it have nothing else in common.
type retry struct{ RetryOptions }

// handle makes the attempts for one message.
func (r *retry) handle(ctx context.Context, m *bus.Message, next bus.Handler) error {
	var begin time.Time
	if r.MaxElapsed > 0 {
		begin = time.Now()
	}
	before, interval := m.Snapshot(), r.interval()
	for n := 1; ; n++ {
		m.SetAttempt(n)
		err := next(ctx, m)
		if err == nil || settled(m, err) {
			return err
		}
		m.Restore(before)
		if n == r.Attempts || ctx.Err() != nil || !r.again(err) {
			return after(n, err)
		}
		wait := interval.NextBackOff()
		if asked, ok := errors.AsType[*backoff.RetryAfterError](err); ok {
			wait = max(asked.Duration, 0)
		}
		if r.MaxElapsed > 0 && wait > r.MaxElapsed-time.Since(begin) {
			return after(n, err)
		}
		if r.OnRetry != nil {
			r.OnRetry(ctx, m, err, wait)
		}
		if ended := pause(ctx, wait); ended != nil {
			return fmt.Errorf("%w; the wait for another attempt has ended: %w", after(n, err), ended)
		}
	}
}

// interval returns the series of waits.
func (r *retry) interval() backoff.ExponentialBackOff {
	return backoff.ExponentialBackOff{InitialInterval: r.Initial, MaxInterval: r.Max, Multiplier: r.Multiplier, RandomizationFactor: r.Jitter}
}

// again reports whether another attempt may end otherwise.
func (r *retry) again(err error) bool {
	if permanent := (*backoff.PermanentError)(nil); errors.As(err, &permanent) {
		return false
	}
	return r.Retryable(err)
}

// after returns the error of the last of n attempts.
func after(n int, err error) error {
	if n == 1 {
		return err
	}
	return fmt.Errorf("after %d attempts: %w", n, err)
}
