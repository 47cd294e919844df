package request

import (
	"context"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/deadline"
)

// callContext is the context of one handler: that of its server or caller, with a deadline of its own and an end. Where the parent is the
// caller's, the other that it ends with is the server's.
type callContext struct {
	deadline.Context
	caller bus.InlineCaller // for the handler: this context, and what the bus knows handlers by
}

// newCallContext returns the context of a call that a caller makes at a server in its process. at is its deadline, zero for none.
func newCallContext(caller, server context.Context, at time.Time) *callContext {
	return &callContext{Context: deadline.Context{Parent: caller, Other: server, At: at}}
}

// enter returns the context for the handler of a call, unless too many handlers called each other to get here.
func (c *callContext) enter(b *bus.Bus, call string) (context.Context, error) {
	b.SetInlineCaller(c, &c.caller)
	if c.caller.TooDeep() {
		return nil, &bus.RecursionError{Topic: call}
	}
	return &c.caller, nil
}
