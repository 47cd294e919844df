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
// Its phase is [bus.PhaseTimeout]: inside of Retry each attempt has d for itself. It costs one allocation. A handler that waits for its context
// pays for a channel, as timer and parent are watched once for all calls of a chain. One that derives another context from it pays for it what
// context.WithTimeout costs, and a little more.
func Timeout(d time.Duration) bus.Middleware {
	m := bus.Middleware{Name: "timeout", Phase: bus.PhaseTimeout}
	if d <= 0 {
		m.Err = &bus.OptionError{Field: "middleware.Timeout d", Value: d, Limit: "more than 0"}
	}
	m.Wrap = func(next bus.Handler) bus.Handler {
		calls := deadline.NewCalls()
		return func(ctx context.Context, m *bus.Message) error {
			at := time.Now().Add(d)
			limited := calls.Begin(ctx, at)
			defer limited.End()
			err := next(limited, m)
			if errors.Is(err, context.DeadlineExceeded) && expired(limited, at) {
				return fmt.Errorf("middleware: not done within %v: %w", d, err)
			}
			return err
		}
	}
	return m
}

// expired reports whether the context's own deadline has ended it, and not its parent.
func expired(ctx context.Context, own time.Time) bool {
	at, _ := ctx.Deadline()
	return at.Equal(own) && ctx.Err() == context.DeadlineExceeded
}
