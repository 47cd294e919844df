package fault

import "sync"

// turns has calls follow each other, whoever makes them: no lock is held while they are made.
type turns struct {
	mu      sync.Mutex
	waiting []turn
	taken   bool
}

// turn is a call that waits, or who waits to make one.
type turn struct {
	call func()
	mine chan<- struct{} // closed when the turn has come; nil for a call
}

// do calls f, and what others want to have called meanwhile; or leaves that to who is at it already. f must not wait.
func (t *turns) do(f func()) {
	t.mu.Lock()
	t.waiting = append(t.waiting, turn{call: f})
	if t.taken {
		t.mu.Unlock()
		return
	}
	t.taken = true
	t.pass()
}

// take waits until the turn has come, and calls f, which may wait: nobody else does it.
func (t *turns) take(f func()) {
	t.mu.Lock()
	if t.taken {
		mine := make(chan struct{})
		t.waiting = append(t.waiting, turn{mine: mine})
		t.mu.Unlock()
		<-mine
	} else {
		t.taken = true
		t.mu.Unlock()
	}
	f()
	t.mu.Lock()
	t.pass()
}

// pass calls what waits, until somebody wants to call something, or nothing is left. The lock is held, and is not after it.
func (t *turns) pass() {
	for len(t.waiting) > 0 {
		next := t.waiting[0]
		t.waiting = t.waiting[1:]
		t.mu.Unlock()
		if next.mine != nil {
			close(next.mine)
			return
		}
		next.call()
		t.mu.Lock()
	}
	t.taken = false
	t.mu.Unlock()
}
