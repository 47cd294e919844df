package lane

import (
	"math"
	"sync"
)

// Entry is where publishers put events. Its lock is the route's, or its own.
type Entry struct {
	ID   uint64
	mu   *sync.Mutex
	own  bool
	free int // events that can be appended without a second look
	lane interface {
		// look looks again, and returns a gate without room; nil if an event can be appended.
		look() *Gate
	}
}

// Nothing returns an entry that always has room, and keeps nothing.
func Nothing() *Entry { return &Entry{free: math.MaxInt} }

// Own reports whether the entry has a lock of its own, apart from the route's.
func (e *Entry) Own() bool { return e.own }

// Lock locks the entry apart from its route, if it has a lock of its own.
func (e *Entry) Lock() {
	if e.own {
		e.mu.Lock()
	}
}

// Unlock undoes Lock.
func (e *Entry) Unlock() {
	if e.own {
		e.mu.Unlock()
	}
}

// Ready reports whether an event published on this bus can be appended, at a glance: if not, Full has to be asked. The caller holds the locks.
func (e *Entry) Ready() bool { return e.free > 0 }

// Full returns a gate that has no room for an event published on this bus, nil when it can be appended. The caller holds the locks.
func (e *Entry) Full() *Gate {
	if e.free > 0 {
		return nil
	}
	return e.lane.look()
}
