package middleware

import (
	"context"
	"errors"

	"github.com/fanfare-go/fanfare/bus"
)

// Duplicate makes each call twice, to test that a handler may get an event again: is it idempotent? Either error is returned, or both of
// them joined. It is made again after an error as well, as the sender of an event that failed sends it again. After [bus.ErrFiltered] it is not
// made again, and when the second call returns that, which is how a handler says that it knows the event, the first one's result counts.
//
// The second call gets a clone of the message as it was before the first. On the publish side each event is published twice, with two
// numbers; both have the same ID only where publisher.ID sets one. It has no state.
func Duplicate() bus.Middleware {
	return bus.Middleware{Name: "duplicate", Phase: bus.PhaseSimulate, Attempts: 2, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			again := m.Clone()
			first := next(ctx, m)
			if errors.Is(first, bus.ErrFiltered) {
				return first
			}
			second := next(ctx, again)
			switch {
			case second == nil || errors.Is(second, bus.ErrFiltered):
				return first
			case first == nil:
				return second
			}
			return errors.Join(first, second)
		}
	}}
}
