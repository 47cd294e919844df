package middleware

import (
	"context"
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
)

// ValidationError says that an event was refused by [Validate].
type ValidationError struct {
	Topic string
	Err   error // what is wrong with the event
}

// Error names the topic and what is wrong.
func (e *ValidationError) Error() string {
	return fmt.Sprintf("middleware: event on %q is not valid: %v", e.Topic, e.Err)
}

// Unwrap returns what is wrong.
func (e *ValidationError) Unwrap() error { return e.Err }

// Validate refuses the events for which check returns an error: they fail with a [*ValidationError]. They are not tried again, as it
// stands outside of Retry. What a message tells can be checked: headers, the key, the encoded payload. An error that is [bus.ErrFiltered] is
// returned as it is: the event counts as filtered.
//
// check may be called concurrently, and must not keep the message. On the publish side Publish returns the error, and the event has gone
// nowhere: nobody else has to deal with it.
func Validate(check func(ctx context.Context, m *bus.Message) error) bus.Middleware {
	made := bus.Middleware{Name: "validate", Phase: bus.PhaseAdmit}
	if check == nil {
		made.Err = &bus.OptionError{Field: "middleware.Validate check", Value: nil, Limit: "a function"}
		return made
	}
	made.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			err := check(ctx, m)
			switch {
			case err == nil:
				return next(ctx, m)
			case errors.Is(err, bus.ErrFiltered):
				return err
			}
			return &ValidationError{Topic: m.Topic(), Err: err}
		}
	}
	return made
}
