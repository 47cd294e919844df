package fault

import (
	"context"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/internal/change"
)

// maxParcels is how much may wait for its time. Who brings more than that waits, as at a network that is full.
const maxParcels = 1000

// courier hands over what comes later, in order, in a goroutine that is there as long as something waits.
type courier struct {
	post    *post
	changed change.Signal // of everything below

	mu      sync.Mutex
	parcels []parcel
	running bool
	rushing bool // nothing waits for its time any more
	stopped bool // nothing is handed over any more
}

// parcel is something that is handed over at its time.
type parcel struct {
	due     time.Time
	deliver func(given bool)
}

// room waits until there is room. It is for who reads from a connection, before the turn in which that brings something: in a turn nobody
// may wait, since the courier takes turns as well.
func (c *courier) room() {
	for {
		changed := c.changed.Next()
		c.mu.Lock()
		free := c.stopped || len(c.parcels) < maxParcels
		c.mu.Unlock()
		if free {
			return
		}
		<-changed
	}
}

// bring has deliver called after a delay, and after everything that was brought before. It never waits. At the end of the transport deliver is
// called as well, but not given.
func (c *courier) bring(delay time.Duration, deliver func(given bool)) {
	c.mu.Lock()
	if c.stopped && !c.running {
		c.mu.Unlock()
		deliver(false)
		return
	}
	defer c.mu.Unlock()
	c.parcels = append(c.parcels, parcel{time.Now().Add(delay), deliver}) // which waits for those before it as well
	if !c.running {
		c.running = true
		c.post.done.Go(c.run)
	}
}

// run hands over until nothing is left.
func (c *courier) run() {
	for {
		changed := c.changed.Next()
		c.mu.Lock()
		if len(c.parcels) == 0 {
			c.running = false
			c.mu.Unlock()
			c.changed.Tell()
			return
		}
		next, given := c.parcels[0], !c.stopped
		if wait := time.Until(next.due); wait > 0 && given && !c.rushing {
			c.mu.Unlock()
			pause(wait, nil, changed)
			continue
		}
		c.parcels = c.parcels[1:]
		c.mu.Unlock()
		next.deliver(given)
		c.changed.Tell()
	}
}

// set sets rushing or stopped.
func (c *courier) set(state *bool) {
	c.mu.Lock()
	*state = true
	c.mu.Unlock()
	c.changed.Tell()
}

// hurry has what waits handed over without waiting for its time: that a partition has overtaken it is told at once.
func (c *courier) hurry() {
	c.mu.Lock()
	for i := range c.parcels {
		c.parcels[i].due = time.Time{}
	}
	c.mu.Unlock()
	c.changed.Tell()
}

// idle waits until nothing is left, or ctx ends.
func (c *courier) idle(ctx context.Context) {
	for {
		changed := c.changed.Next()
		c.mu.Lock()
		running := c.running
		c.mu.Unlock()
		if !running {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
