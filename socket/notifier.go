package socket

import "sync"

// notifier wakes all who wait for a change of state. Level triggered: take the channel, look at the state, then wait.
type notifier struct {
	mu      sync.Mutex
	changed chan struct{} // nil while nobody asked
}

func (n *notifier) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changed == nil {
		n.changed = make(chan struct{})
	}
	return n.changed
}

func (n *notifier) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}
