package fault

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// post are the couriers of a transport, one for each connection: what waits for one peer holds back no other.
type post struct {
	done sync.WaitGroup // the goroutines of the couriers

	mu               sync.Mutex
	couriers         map[*courier]struct{}
	rushing, stopped bool
}

// hire returns a courier.
func (p *post) hire() *courier {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &courier{post: p, rushing: p.rushing, stopped: p.stopped}
	if p.couriers == nil {
		p.couriers = map[*courier]struct{}{}
	}
	p.couriers[c] = struct{}{}
	return c
}

// dismiss forgets a courier who is given nothing any more.
func (p *post) dismiss(c *courier) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.couriers, c)
}

// rush has everything handed over at once, also what comes from now on, and waits until that is done, or ctx ends.
func (p *post) rush(ctx context.Context) {
	p.mu.Lock()
	p.rushing = true
	all := slices.Collect(maps.Keys(p.couriers))
	p.mu.Unlock()
	for _, c := range all {
		c.set(&c.rushing)
	}
	for _, c := range all {
		c.idle(ctx)
	}
}

// stop has nothing more handed over. It does not wait for what is being handed over: done does.
func (p *post) stop() {
	p.mu.Lock()
	p.stopped = true
	all := slices.Collect(maps.Keys(p.couriers))
	p.mu.Unlock()
	for _, c := range all {
		c.set(&c.stopped)
	}
}
