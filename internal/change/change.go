// Package change tells waiters that something changed, and leaves it to them to look at what.
package change

import "sync"

// Closed reports whether a channel that only its end is told by is closed.
func Closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Signal wakes all who wait for a change of state. To wait for a certain state, take the channel of Next, look at the state, wait for the
// channel, and begin again: no change in between is missed. The zero value is ready. All methods may be called concurrently.
type Signal struct {
	mu   sync.Mutex
	next chan struct{} // nil while nobody waits
}

// Next returns a channel that is closed by the next Tell.
func (s *Signal) Next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return s.next
}

// Tell says that something has changed. It never waits.
func (s *Signal) Tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}
