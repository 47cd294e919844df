package middleware

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/topic"
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
// stands outside of Retry. What a message tells can be checked: headers, the key, the encoded payload; for the value see [ValidateValue]. An error
// that is [bus.ErrFiltered] is returned as it is: the event counts as filtered.
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
			if err := invalid(m, check(ctx, m)); err != nil {
				return err
			}
			return next(ctx, m)
		}
	}
	return made
}

// ValidateValue is Validate for the values of events of one Go type, that of the topic, call or task. A value that comes encoded is decoded, once; one
// that does not decode fails with a [*bus.DecodeError], as it would at the handler. In a chain of events of another type all fail.
func ValidateValue[T any](check func(ctx context.Context, v T) error) bus.Middleware {
	if check == nil {
		return Validate(nil)
	}
	made := Validate(func(context.Context, *bus.Message) error { return nil })
	made.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			v, err := valueOf[T](m)
			if err != nil {
				return err
			}
			if err := invalid(m, check(ctx, v)); err != nil {
				return err
			}
			return next(ctx, m)
		}
	}
	return made
}

// invalid returns the error of an event for what a check has returned.
func invalid(m *bus.Message, err error) error {
	if err == nil || errors.Is(err, bus.ErrFiltered) {
		return err
	}
	return &ValidationError{Topic: m.Topic(), Err: err}
}

// valueOf returns the value of a message, decoded.
func valueOf[T any](m *bus.Message) (v T, err error) {
	if _, ok := m.Event().(*topic.Event[T]); !ok {
		return v, fmt.Errorf("middleware: event on %q is a %T, not one of %v", m.Topic(), m.Event(), reflect.TypeFor[T]())
	}
	if err := m.Decode(); err != nil {
		return v, err
	}
	return m.Event().(*topic.Event[T]).Value, nil
}
