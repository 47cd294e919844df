// Package lane holds the bounded queues between publishers and the workers of a subscription.
//
// A [Gate] is the part of a queue that knows no event type: its lock, its bound, its workers and its counters. A [Queue]
// adds the events. Publishers hold the lock of their topic's route, lock the gates of all queues that an event goes to, always in
// the same order, see that there is room in each, append to each, and unlock: an event reaches all of them or none (contract,
// sentence 3).
//
// A queue without events has no goroutine; storage grows with the backlog and is given up when the backlog is gone.
package lane

import (
	"sync"
	"sync/atomic"
)

// Policy says what happens to an event that finds its queue full.
type Policy uint8

const (
	// Block makes the publisher wait for room.
	Block Policy = iota
	// DropOldest makes room by dropping what waits longest.
	DropOldest
)

// Config describes a queue.
type Config struct {
	Name     string // names the subscription in errors and notices
	Graph    *Graph // the wait-for graph of the bus
	Workers  int    // goroutines that handle events at the same time, at most
	Capacity int    // events that wait, at most
	Local    Policy // for events published on this bus
	Remote   Policy // for events from a transport
	// Route is the lock of the one route that leads to the queue, nil when there may be several. A queue that one worker empties
	// in batches uses it as its own lock: then a publish takes one lock, however many such queues there are.
	Route *sync.Mutex
}

// batched tells whether a worker takes many events at once. Otherwise events taken early could neither be dropped for room nor
// be handled by another worker.
func (c *Config) batched() bool { return c.Workers == 1 && c.Local == Block && c.Remote == Block }

// Gate is the untyped side of a Queue.
type Gate struct {
	Config

	// alert is set when workers should look up between two events: a publisher waits for room, or the queue is closed. They
	// read it before each event, so it has a cache line to itself, apart from what publishers write: 11 ns an event.
	_     [64]byte
	alert atomic.Bool
	_     [64]byte

	mu         *sync.Mutex
	head, tail uint64 // events taken and appended so far; those between them are in the ring
	// free is how many events can be appended without a second look: there is room and storage for them, all workers are at
	// work, and the queue is open. Nothing but an append that finds none counts anew.
	free    int
	active  []*worker // those that have a goroutine
	totals  Totals    // without what is queued or being handled
	waiters chan struct{}
	idle    chan struct{}
	closed  bool
	done    chan struct{}
}

func (g *Gate) init(c Config) {
	g.Config = c
	if g.mu = c.Route; g.mu == nil || !c.batched() {
		g.mu = &sync.Mutex{}
	}
	g.done = make(chan struct{})
}

// Lock locks the queue apart from its route, if it has a lock of its own.
func (g *Gate) Lock() {
	if g.mu != g.Route {
		g.mu.Lock()
	}
}

// Unlock undoes Lock.
func (g *Gate) Unlock() {
	if g.mu != g.Route {
		g.mu.Unlock()
	}
}

// Shared reports whether the lock is that of the route, so that Lock does nothing.
func (g *Gate) Shared() bool { return g.mu == g.Route }

// Admits reports whether an event published on this bus may be appended now. The caller holds the locks.
func (g *Gate) Admits() bool { return g.free > 0 || g.admits(g.Local) }

// admits tells whether an event may be appended now. A closed queue admits everything and keeps nothing: publishers that
// have not heard yet that it is gone must not wait for it. The caller holds mu.
func (g *Gate) admits(p Policy) bool { return p != Block || g.closed || g.room() > 0 }

// room counts how many more events may wait, from what the workers have begun by now. The caller holds mu.
func (g *Gate) room() int {
	room := g.Capacity - g.length()
	for _, w := range g.active {
		room -= w.waiting()
	}
	return room
}

// length is the number of events in the ring. The caller holds mu.
func (g *Gate) length() int { return int(g.tail - g.head) }

// attend is called by workers between two events when alert is set. It reports false when the queue is closed.
func (g *Gate) attend() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.wake()
	return true
}

// wake lets all waiting publishers look again. The caller holds mu.
func (g *Gate) wake() {
	if g.waiters != nil {
		close(g.waiters)
		g.waiters = nil
	}
	g.alert.Store(g.closed)
}

// leave takes a worker that found nothing to do off the list. The caller holds mu.
func (g *Gate) leave(w *worker) {
	g.free = 0 // the next event needs a worker
	for i, a := range g.active {
		if a == w {
			last := len(g.active) - 1
			g.active[i], g.active[last] = g.active[last], nil
			g.active = g.active[:last]
			break
		}
	}
	if len(g.active) == 0 {
		g.rest()
	}
}

// rest tells those who wait for it that nothing is queued and nobody works. The caller holds mu.
func (g *Gate) rest() {
	if g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
	if g.closed {
		close(g.done)
	}
}

// close ends the queue: what waits is abandoned. The caller holds mu, and closes only once.
func (g *Gate) close() {
	g.closed, g.free = true, 0
	g.totals.Abandoned += uint64(g.length())
	g.head = g.tail
	g.wake() // sets alert: workers begin nothing after the events that are counted as begun below
	for _, w := range g.active {
		rest := w.waiting()
		w.size -= rest
		g.totals.Abandoned += uint64(rest)
	}
	if len(g.active) == 0 {
		g.rest()
	}
}

// Done is closed when the queue was closed and the last handler has returned.
func (g *Gate) Done() <-chan struct{} { return g.done }

// Idle returns nil when nothing is queued and no handler runs, else a channel that is closed as soon as that is so.
func (g *Gate) Idle() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.active) == 0 {
		return nil
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	return g.idle
}

// Rests reports whether nothing is queued and no handler runs. The caller holds the locks of all routes.
func (g *Gate) Rests() bool {
	g.Lock()
	defer g.Unlock()
	return len(g.active) == 0
}
