package middleware

import (
	"context"
	"runtime/debug"

	"github.com/fanfare-go/fanfare/bus"
)

// Recover turns a panic further inside into a [*bus.PanicError], so that what is outside of it sees an error like any other. The bus
// itself does the same at the outer end of every subscription's chain; on the publish side a panic otherwise reaches the caller of
// Publish.
func Recover() bus.Middleware {
	return bus.Middleware{Name: "recover", Phase: bus.PhaseRecover, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) (err error) {
			defer func() {
				if v := recover(); v != nil { // nil: next has returned, or it ends its goroutine, which nobody can stop
					err = &bus.PanicError{Value: v, Stack: debug.Stack()}
				}
			}()
			return next(ctx, m)
		}
	}}
}
