package deadline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// call is the context of a call whose chain keeps watch for it: the done channel is its own. Nothing of it is used for another call, so
// that it stays ended for a goroutine that has kept it.
type call struct {
	parent context.Context
	at     time.Time
	of     *Calls

	asked atomic.Bool // done is there
	ended atomic.Uint32

	mu     sync.Mutex // for the first Done and the end
	done   <-chan struct{}
	own    chan struct{}      // which is done, unless it is that of a context that is attached to the parent
	cancel context.CancelFunc // of that context

	// Of the watch, under its lock.
	next, prev *call    // nil: it is not on it
	lineage    *lineage // nil: none that it shares
}

// How a call has ended.
const (
	goesOn     uint32 = iota
	byDeadline        // its own
	byParent
	byEnd
)

// Deadline returns its own deadline, or the parent's if that comes first.
func (c *call) Deadline() (time.Time, bool) { return earlier(c.parent, c.at) }

// Done begins to watch deadline and parent.
func (c *call) Done() <-chan struct{} {
	if c.asked.Load() {
		return c.done
	}
	if c.open() && c.Err() != nil { // it has ended before it was on watch, or meanwhile
		c.of.watch.remove(c)
	}
	return c.done
}

// open makes the channel. It reports false if that is there.
func (c *call) open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil {
		return false
	}
	if c.of.watch.add(c) {
		c.own = make(chan struct{})
		c.done = c.own
	} else {
		var attached context.Context
		attached, c.cancel = context.WithCancel(c.parent)
		c.done = attached.Done()
	}
	if c.ended.Load() != goesOn {
		c.close()
	}
	c.asked.Store(true)
	return true
}

// close closes the channel. The caller holds the lock.
func (c *call) close() {
	if c.own != nil {
		close(c.own)
	} else {
		c.cancel()
	}
}

// Err is nil as long as it has not ended. From the deadline on it is context.DeadlineExceeded, also where nobody waits.
func (c *call) Err() error {
	if c.ended.Load() == goesOn {
		switch {
		case c.parent.Err() != nil:
			c.end(byParent)
		case time.Until(c.at) <= 0:
			c.end(byDeadline)
		default:
			return nil
		}
	}
	c.mu.Lock() // who ends it closes the channel before it lets go
	defer c.mu.Unlock()
	switch c.ended.Load() {
	case byDeadline:
		return context.DeadlineExceeded
	case byParent:
		return c.parent.Err()
	}
	return context.Canceled
}

// end ends it, if it goes on.
func (c *call) end(how uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Load() != goesOn {
		return
	}
	if c.cancel != nil && c.parent.Err() != nil {
		how = byParent // which has closed the channel already
	}
	c.ended.Store(how)
	if c.done != nil {
		c.close()
	}
}

// Value returns the parent's. Package context finds nothing there that a derived context can be attached to, as the channel is not its own.
func (c *call) Value(key any) any {
	if key == attachment {
		if c.asked.Load() {
			c.of.habit.Store(derive)
		}
		if how := c.ended.Load(); how == byDeadline || how == byEnd {
			return nil // the parent's cause is none of its own
		}
	}
	return c.parent.Value(key)
}

// End cancels it, if it has not ended, and takes it off the watch.
func (c *call) End() {
	c.end(byEnd)
	if c.asked.Load() {
		c.of.watch.remove(c)
	}
}
