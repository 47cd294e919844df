package zmq

import "sync"

// changes wakes all who wait for a change of state. The zero value is ready.
type changes struct {
	mu     sync.Mutex
	waited chan struct{} // nil while nobody waits
}

// next returns a channel that is closed by the next tell.
func (c *changes) next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waited == nil {
		c.waited = make(chan struct{})
	}
	return c.waited
}

// tell says that something has changed.
func (c *changes) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waited != nil {
		close(c.waited)
		c.waited = nil
	}
}
