// Package deadline has contexts for calls, whose deadlines cost no timer as long as nobody waits for them, and little where somebody does.
package deadline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Context is the context of one call: that of its parent, with a deadline of its own and an end. It costs one allocation, and a timer only if
// somebody waits for it: most handlers never do, and context.WithDeadline takes most of a microsecond.
//
// The fields are set before its first use and not changed. All methods may be called concurrently. Whoever has made it calls End.
type Context struct {
	Parent context.Context
	Other  context.Context // one that it ends with as well, nil if there is none
	At     time.Time       // the deadline; zero: none but the parent's

	watching atomic.Bool // inner is there
	ended    atomic.Bool // by End

	mu     sync.Mutex
	inner  context.Context // made by the first Done, and what contexts derived from this one are attached to
	cancel context.CancelFunc
	leave  func() bool // does no longer watch the other
}

// Deadline returns its own deadline, or the parent's if that comes first.
func (c *Context) Deadline() (time.Time, bool) { return earlier(c.Parent, c.At) }

// earlier returns the deadline of the parent, or at if that comes first and is not zero.
func earlier(parent context.Context, at time.Time) (time.Time, bool) {
	given, ok := parent.Deadline()
	if at.IsZero() || ok && given.Before(at) {
		return given, ok
	}
	return at, true
}

// Done begins to watch deadline, parent and the other.
func (c *Context) Done() <-chan struct{} {
	if c.watching.Load() {
		return c.inner.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.watch()
	}
	return c.inner.Done()
}

// watch makes the inner context. The caller holds the lock.
func (c *Context) watch() {
	switch {
	case c.ended.Load(), c.otherEnded(): // it stays canceled, whatever has come after that
		c.inner, c.cancel = context.WithCancel(context.WithoutCancel(c.Parent))
		c.cancel()
	case c.At.IsZero():
		c.inner, c.cancel = context.WithCancel(c.Parent)
	default:
		c.inner, c.cancel = context.WithDeadline(c.Parent, c.At)
	}
	if c.Other != nil {
		c.leave = context.AfterFunc(c.Other, c.cancel)
	}
	c.watching.Store(true)
}

// Err is nil as long as it has not ended. From the deadline on it is context.DeadlineExceeded, also where nobody waits.
func (c *Context) Err() error {
	now := time.Time{}
	if !c.At.IsZero() {
		now = time.Now()
	}
	return c.ErrAt(now)
}

// ErrAt is Err at about that time, for callers that have it cheaper than from time.Now.
func (c *Context) ErrAt(now time.Time) error {
	late := !c.At.IsZero() && !now.Before(c.At) && time.Until(c.At) <= 0 // a clock that was set says nothing of the time that has passed
	if c.watching.Load() {
		if err := c.inner.Err(); err != nil || !late {
			return err
		}
		<-c.inner.Done() // its timer is about to go off; it stays ended
		return c.inner.Err()
	}
	switch {
	case c.ended.Load(), c.otherEnded():
		return context.Canceled
	case c.Parent.Err() != nil:
		return c.Parent.Err()
	case late:
		<-c.Done() // it stays ended
		return c.inner.Err()
	}
	return nil
}

func (c *Context) otherEnded() bool { return c.Other != nil && c.Other.Err() != nil }

// Value returns the parent's. Where somebody waits, it leads package context to the inner context, which attaches derived contexts to that one:
// otherwise each would need a goroutine to watch this one.
func (c *Context) Value(key any) any {
	if c.watching.Load() {
		return c.inner.Value(key)
	}
	return c.Parent.Value(key)
}

// End cancels it, if it has not ended, and stops what watches. It may be called several times.
func (c *Context) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended.Store(true)
	if c.leave != nil {
		c.leave()
	}
	if c.cancel != nil {
		c.cancel()
	}
}
