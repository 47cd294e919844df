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
	changed change.Signal // of everything below
	done    sync.WaitGroup

	mu      sync.Mutex
	parcels []parcel
	running bool
	rushing bool // nothing waits for its time any more
	stopped bool
	givenUp uint64 // how much was not handed over
}

// parcel is something that is handed over at its time.
type parcel struct {
	due     time.Time
	deliver func()
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

// bring has deliver called after a delay, and after everything that was brought before. It never waits.
func (c *courier) bring(delay time.Duration, deliver func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		c.givenUp++
		return
	}
	c.parcels = append(c.parcels, parcel{time.Now().Add(delay), deliver}) // which waits for those before it as well
	if !c.running {
		c.running = true
		c.done.Go(c.run)
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
		next, rushing := c.parcels[0], c.rushing
		if wait := time.Until(next.due); wait > 0 && !rushing {
			c.mu.Unlock()
			pause(wait, nil, changed)
			continue
		}
		c.parcels = c.parcels[1:]
		c.mu.Unlock()
		next.deliver()
		c.changed.Tell()
	}
}

// rush hands over everything at once, also what comes from now on, and waits until that is done, or ctx ends.
func (c *courier) rush(ctx context.Context) {
	c.mu.Lock()
	c.rushing = true
	c.mu.Unlock()
	c.changed.Tell()
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

// left counts what waits, and what was given up.
func (c *courier) left() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(len(c.parcels)) + c.givenUp
}

// stop gives up what waits. It does not wait for what is being handed over: done does.
func (c *courier) stop() {
	c.mu.Lock()
	c.givenUp += uint64(len(c.parcels))
	c.stopped, c.parcels = true, nil
	c.mu.Unlock()
	c.changed.Tell()
}
