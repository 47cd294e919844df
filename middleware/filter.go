package middleware

import (
	"context"

	"github.com/fanfare-go/fanfare/bus"
)

// Filter lets only the events through for which want returns true. The others count as filtered, neither as succeeded nor as failed. It is
// for subscriptions that take a part of their topics' events, told by a header or the key: that spares the decoding of the rest. For the value see
// [FilterValue].
//
// want may be called concurrently, and must not keep the message. On the publish side Publish returns an error that is [bus.ErrFiltered] for
// an event that is not wanted, which has gone nowhere.
func Filter(want func(m *bus.Message) bool) bus.Middleware {
	made := bus.Middleware{Name: "filter", Phase: bus.PhaseAdmit}
	if want == nil {
		made.Err = &bus.OptionError{Field: "middleware.Filter want", Value: nil, Limit: "a function"}
		return made
	}
	made.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if !want(m) {
				return bus.ErrFiltered
			}
			return next(ctx, m)
		}
	}
	return made
}

// FilterValue is Filter for the values of events of one Go type, that of the topic, call or task. A value that comes encoded is decoded, once; the error
// of one that does not decode is a [*bus.DecodeError]. In a chain of events of another type all fail.
func FilterValue[T any](want func(v T) bool) bus.Middleware {
	if want == nil {
		return Filter(nil)
	}
	made := Filter(func(*bus.Message) bool { return true })
	made.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			v, err := valueOf[T](m)
			switch {
			case err != nil:
				return err
			case !want(v):
				return bus.ErrFiltered
			}
			return next(ctx, m)
		}
	}
	return made
}
