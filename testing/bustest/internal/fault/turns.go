package fault

import "sync"

// turns has calls follow each other, whoever makes them: no lock is held while they are made. Their order is that of do.
type turns struct {
	mu      sync.Mutex
	waiting []func()
	taken   bool
}

// do calls f, and what others want to have called meanwhile, and reports true; or leaves that to who is at it already.
func (t *turns) do(f func()) (called bool) {
	t.mu.Lock()
	t.waiting = append(t.waiting, f)
	if t.taken {
		t.mu.Unlock()
		return false
	}
	t.taken = true
	for len(t.waiting) > 0 {
		next := t.waiting[0]
		t.waiting = t.waiting[1:]
		t.mu.Unlock()
		next()
		t.mu.Lock()
	}
	t.taken = false
	t.mu.Unlock()
	return true
}
