package request

import (
	"context"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// callContext is the context of one handler: that of its server or caller, with a deadline of its own and an end. It costs one allocation,
// and a timer only if somebody waits for it: most handlers never do, and context.WithDeadline takes a microsecond.
type callContext struct {
	context.Context
	server   context.Context  // the server's, which it ends with, where the parent is the caller's; else nil
	deadline time.Time        // zero: none but the parent's
	caller   bus.InlineCaller // for the handler: this context, and what the bus knows handlers by

	mu     sync.Mutex
	inner  context.Context // made by the first Done
	cancel context.CancelFunc
	leave  func() bool // does no longer watch the server
	ended  bool
}

// Deadline returns its own deadline, or the parent's if that comes first.
func (c *callContext) Deadline() (time.Time, bool) {
	parent, ok := c.Context.Deadline()
	if c.deadline.IsZero() || ok && parent.Before(c.deadline) {
		return parent, ok
	}
	return c.deadline, true
}

// Done begins to watch deadline, parent and server.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		if c.deadline.IsZero() {
			c.inner, c.cancel = context.WithCancel(c.Context)
		} else {
			c.inner, c.cancel = context.WithDeadline(c.Context, c.deadline)
		}
		if c.server != nil {
			c.leave = context.AfterFunc(c.server, c.cancel)
		}
		if c.ended || c.serverEnded() {
			c.cancel()
		}
	}
	return c.inner.Done()
}

// Err is nil as long as it has not ended.
func (c *callContext) Err() error {
	now := time.Time{}
	if !c.deadline.IsZero() {
		now = time.Now()
	}
	return c.endedBy(now)
}

// endedBy is Err at that time.
func (c *callContext) endedBy(now time.Time) error {
	c.mu.Lock()
	inner, ended := c.inner, c.ended
	c.mu.Unlock()
	switch {
	case inner != nil:
		return inner.Err()
	case ended, c.serverEnded():
		return context.Canceled
	case c.Context.Err() != nil:
		return c.Context.Err()
	case !c.deadline.IsZero() && !now.Before(c.deadline):
		<-c.Done() // it stays ended
		return context.DeadlineExceeded
	}
	return nil
}

func (c *callContext) serverEnded() bool { return c.server != nil && c.server.Err() != nil }

// enter returns the context for the handler of a call, unless too many handlers called each other to get here.
func (c *callContext) enter(b *bus.Bus, call string) (context.Context, error) {
	b.SetInlineCaller(c, &c.caller)
	if c.caller.TooDeep() {
		return nil, &bus.RecursionError{Topic: call}
	}
	return &c.caller, nil
}

// end cancels it.
func (c *callContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.leave != nil {
		c.leave()
	}
	if c.cancel != nil {
		c.cancel()
	}
}
