package fault

import (
	"maps"
	"slices"
	"sync"
)

// prefixes are the subscriptions of a transport, and how often each was made.
type prefixes struct {
	mu  sync.Mutex
	all map[string]int
}

func (p *prefixes) add(prefix string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string]int{}
	}
	if p.all[prefix] += n; p.all[prefix] <= 0 {
		delete(p.all, prefix)
	}
}

// resubscribe has peers send again what they keep, as they do for one that has connected again.
func (t *wrapped) resubscribe() {
	if t.retaining == nil {
		return
	}
	p := &t.prefixes
	p.mu.Lock()
	all := slices.Sorted(maps.Keys(p.all))
	p.mu.Unlock()
	for _, prefix := range all { // what fails has ended, or was never there
		if t.real.Subscribe(prefix) == nil {
			_ = t.real.Unsubscribe(prefix)
		}
	}
}
