package middleware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/deadline"
)

// Timeout gives each attempt at most d, by the deadline of the context that it hands on. It waits for the attempt: a handler that ignores
// its context goes on for as long as it likes, keeps its worker, and is told by a [bus.Slow] notice. An error that is the context's comes back
// wrapped, with d in its text, and is still context.DeadlineExceeded; where the deadline of the given context comes first, it is left as it
// is. Success is success, however late. d is more than 0; else Middleware.Err is a [*bus.OptionError].
//
// On the publish side it limits how long a Publish, a Send or a Do may wait, and what that returns. Use it where a handler asks something
// that may not answer.
//
// Its phase is [bus.PhaseTimeout]: inside of Retry each attempt has d for itself. A handler that waits for its context, or derives another
// one from it, pays for a timer as with context.WithTimeout; the others do not.
func Timeout(d time.Duration) bus.Middleware {
	m := bus.Middleware{Name: "timeout", Phase: bus.PhaseTimeout}
	if d <= 0 {
		m.Err = &bus.OptionError{Field: "middleware.Timeout d", Value: d, Limit: "more than 0"}
	}
	m.Wrap = func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			limited := &deadline.Context{Parent: ctx, At: time.Now().Add(d)}
			defer limited.End()
			err := next(limited, m)
			if errors.Is(err, context.DeadlineExceeded) && expired(limited) {
				return fmt.Errorf("middleware: not done within %v: %w", d, err)
			}
			return err
		}
	}
	return m
}

// expired reports whether the context's own deadline has ended it, and not its parent.
func expired(c *deadline.Context) bool {
	at, _ := c.Deadline()
	return at.Equal(c.At) && c.Err() == context.DeadlineExceeded
}
