package middleware

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// RetryOptions configure [Retry].
type RetryOptions struct {
	// Attempts is how many are made for an event, at most, the first one included. Negative: any number. Default: 3.
	Attempts int
	// Initial is the wait before the second attempt: at most Max. Default: 100 ms, or Max if that is less.
	Initial time.Duration
	// Max is where the wait stops growing: at most 8760 h, a year. Jitter can add to it. Default: 10 s, or Initial if that is more.
	Max time.Duration
	// Multiplier is what the wait is multiplied by for each further attempt: 1 to 1000. Default: 2.
	Multiplier float64
	// Jitter makes waits random, so that those who failed together do not come back together: each is between 1-Jitter and 1+Jitter times
	// what it would be. At most 1; negative: none. Default: 0.5.
	Jitter float64
	// MaxElapsed is the time since the beginning of the first attempt after which none begins. It is not waited for in vain. 0: no limit.
	MaxElapsed time.Duration
	// Retryable reports whether another attempt may end otherwise than with err. It may be called concurrently. Default: it may, unless err is
	// a [*bus.DecodeError] or [bus.ErrClosed]. See [Retry] for the errors that it is not asked for.
	Retryable func(err error) bool
	// OnRetry, if there is one, is called after each failed attempt that is followed by another one, before the wait: to log it, or to count
	// it. Message.Attempt is the one that has failed. The message is not to be changed. It may be called concurrently.
	OnRetry func(ctx context.Context, m *bus.Message, err error, wait time.Duration)
}

// withDefaults returns a copy with the defaults filled in.
func (o *RetryOptions) withDefaults() (RetryOptions, error) {
	var c RetryOptions
	if o != nil {
		c = *o
	}
	for _, check := range []struct {
		ok    bool
		field string
		value any
		limit string
	}{
		{c.Multiplier == 0 || c.Multiplier >= 1 && c.Multiplier <= 1000, "Multiplier", c.Multiplier, "1 to 1000"},
		{c.Jitter <= 1, "Jitter", c.Jitter, "at most 1"},
		{c.MaxElapsed >= 0, "MaxElapsed", c.MaxElapsed, "0 or more"},
	} {
		if !check.ok {
			return RetryOptions{}, &bus.OptionError{Field: "middleware.RetryOptions." + check.field, Value: check.value, Limit: check.limit}
		}
	}
	var err error
	if c.Initial, c.Max, err = growing("middleware.RetryOptions", c.Initial, c.Max); err != nil {
		return RetryOptions{}, err
	}
	c.Attempts = max(cmp.Or(c.Attempts, 3), -1)
	c.Multiplier = cmp.Or(c.Multiplier, 2)
	c.Jitter = max(cmp.Or(c.Jitter, 0.5), 0)
	if c.Retryable == nil {
		c.Retryable = retryable
	}
	return c, nil
}

// retryable is the default of RetryOptions.Retryable: a payload will not decode the next time, and a bus does not open again.
func retryable(err error) bool {
	return !errors.As(err, new(*bus.DecodeError)) && !errors.Is(err, bus.ErrClosed)
}
