package middleware

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/bus"
)

// IgnoreErrors makes a success of a failure with one of errs, found by errors.Is: also one that only wraps it, or that is joined with others.
// Use it for what is no failure to you, such as an order that is there already. Without errs, or with nil among them, Middleware.Err is a
// [*bus.OptionError].
//
// What is ignored counts as succeeded: a task is acknowledged, and a Publish or Send returns nil although nothing was delivered; a Do then
// returns no error and the zero reply. So the logger of the bus gets a line for each, at level debug: "error ignored", with topic, seq, error, and
// how many were ignored so far by this value, in all chains that it is used in. [bus.ErrFiltered] is left as it is.
//
// Its phase is [bus.PhaseOutcome]: inside of what logs and counts, outside of Retry, so that an error is tried again before it is ignored.
func IgnoreErrors(errs ...error) bus.Middleware {
	m := IgnoreErrorsFunc(func(err error) bool {
		for _, ignored := range errs {
			if errors.Is(err, ignored) {
				return true
			}
		}
		return false
	})
	if len(errs) == 0 {
		m.Err = &bus.OptionError{Field: "middleware.IgnoreErrors errs", Value: 0, Limit: "at least 1 error"}
	}
	for _, err := range errs {
		if err == nil {
			m.Err = &bus.OptionError{Field: "middleware.IgnoreErrors errs", Value: nil, Limit: "errors, none of them nil"}
		}
	}
	return m
}

// IgnoreErrorsFunc is IgnoreErrors for the errors for which ignore returns true. It may be called concurrently, and is not asked about
// [bus.ErrFiltered]. For nil Middleware.Err is a [*bus.OptionError].
func IgnoreErrorsFunc(ignore func(err error) bool) bus.Middleware {
	m := bus.Middleware{Name: "ignore errors", Phase: bus.PhaseOutcome}
	if ignore == nil {
		m.Err = &bus.OptionError{Field: "middleware.IgnoreErrorsFunc ignore", Value: nil, Limit: "a function"}
	}
	var ignored atomic.Uint64
	m.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			err := next(ctx, m)
			if err == nil || errors.Is(err, bus.ErrFiltered) || !ignore(err) {
				return err
			}
			m.Party().Bus.Logger().Debug().Err(err).Str("topic", m.Topic()).Uint64("seq", m.Seq()).Uint64("ignored", ignored.Add(1)).Msg("error ignored")
			return nil
		}
	}
	return m
}
