package middleware

import (
	"context"
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// Delay has an event handled when it is d old, and not before: it waits until Message.Time + d. Use it for what is to be looked at again
// after a while. On the publish side it waits for d and then hands the event on, so its publisher waits too. d is more than 0; else
// Middleware.Err is a [*bus.OptionError].
//
// The clocks of publishers are not trusted. No event waits for more than d: one whose time is in the future, or that has none because its
// publisher is a plain peer, counts as published now. One whose time is long ago does not wait at all. So a clock that is behind by an hour
// makes a delay of a minute none, and one that is ahead makes it start when the event is handled.
//
// Events wait at the same time, as they get older in the queue as well: a subscription with one worker handles as many as without Delay, d later,
// if its queue has room for those of d. A handler that waits for longer than bus.Options.SlowAfter is told by a [bus.Slow] notice.
// A task of a pipeline that is given again is old enough; keep d below ProducerOptions.AckTimeout. The wait ends with the context, and then the
// event fails with the context's error.
//
// Its phase is [bus.PhaseSchedule]: outside of all that measures or limits time.
func Delay(d time.Duration) bus.Middleware {
	m := bus.Middleware{Name: "delay", Phase: bus.PhaseSchedule}
	if d <= 0 {
		m.Err = &bus.OptionError{Field: "middleware.Delay d", Value: d, Limit: "more than 0"}
	}
	m.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			left := d
			if published := m.Time(); !published.IsZero() && !m.Party().Role.Sends() {
				left = d - max(time.Since(published), 0)
			}
			if left > 0 {
				if err := pause(ctx, left); err != nil {
					return fmt.Errorf("middleware: the delay of %v has ended early: %w", d, err)
				}
			}
			return next(ctx, m)
		}
	}
	return m
}
