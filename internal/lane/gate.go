// Package lane holds the bounded queues between publishers and the handlers of subscriptions.
//
// There are two kinds. A [Log] is what all plain subscriptions of a topic read: an event is appended to it once, and each [Reader] goes
// through it at its own pace. A [Queue] belongs to one subscription, or to the members of a group, and serves everything else:
// policies that drop, several workers, keys.
//
// An [Entry] is what a publisher sees of either: a lock and the question whether there is room. Publishers hold the lock of their topic's
// route, lock all entries that an event goes to, always in the same order, see that there is room in each, append to each, and
// unlock: an event reaches all of them or none (contract, sentence 3). A [Gate] is what publishers wait at, and a [Member] the
// subscription: its workers, its counters and its end.
//
// A queue without events has no goroutine; storage grows with the backlog and is given up when the backlog is gone.
package lane

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Policy says what happens to an event that finds no room.
type Policy uint8

const (
	// Block makes the publisher wait for room.
	Block Policy = iota
	// DropOldest makes room by dropping what waits longest.
	DropOldest
	// DropNewest drops the event itself.
	DropNewest
	// Latest keeps the newest event of each topic and key. When all that wait differ, it drops what waits longest.
	Latest
	// Fail makes the publish fail. For events from a transport it is DropNewest.
	Fail
)

// Config describes a queue.
type Config struct {
	ID       uint64  // the order in which entries are locked
	Name     string  // names the subscription in errors and notices
	Site     uintptr // the program counter of the call that made it
	Graph    *Graph  // the wait-for graph of the bus
	Roster   *Roster
	Workers  int           // goroutines that handle events at the same time, at most
	Capacity int           // events that wait, at most
	Local    Policy        // for events published on this bus
	Remote   Policy        // for events from a transport
	Timeout  time.Duration // how long Block waits, 0: for ever
	Batch    *Batch        // nil: events are handled one by one
}

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

// backlog is what is in a queue, as its gate and its members see it. All methods are called with the lock held.
type backlog interface {
	// room counts how many more events may wait, from what the workers have begun by now.
	room() int
	// able counts the workers that are at an event, and those that will be without anybody's doing.
	able() int
	// count adds to the totals of a member what they do not have yet: events that have come for it, and those that nobody has taken.
	count(m *Member, t *Totals)
	// counter is the member that events are counted with before anybody takes them, nil when there is none any more.
	counter() *Member
}

// Gate is what publishers wait at when there is no room.
type Gate struct {
	Name    string
	Site    uintptr
	Graph   *Graph
	Policy  Policy // for events published on this bus
	Remote  Policy // for events from a transport
	Timeout time.Duration

	capacity int
	backlog  backlog
	mu       *sync.Mutex
	waiters  chan struct{}
	watched  bool // the watchdog wants to hear of the next event
	closed   bool

	// alert is set when workers should look up between two events: a publisher waits for room, or the queue is closed. They
	// read it before each event, so nothing near it is written with every event: that would cost 11 ns.
	alert atomic.Bool
}

func (g *Gate) init(c *Config, mu *sync.Mutex, b backlog) {
	g.Name, g.Site, g.Graph, g.Policy, g.Remote, g.Timeout = c.Name, c.Site, c.Graph, c.Local, c.Remote, c.Timeout
	g.mu, g.backlog = mu, b
}

// full reports whether an event published on this bus has to wait, or to fail. A closed queue takes everything and keeps nothing:
// publishers that have not heard yet that it is gone must not wait for it. The caller holds mu.
func (g *Gate) full() bool {
	return (g.Policy == Block || g.Policy == Fail) && !g.closed && g.backlog.room() <= 0
}

// Depth returns how many events wait.
func (g *Gate) Depth() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return 0
	}
	return uint64(max(g.capacity-g.backlog.room(), 0))
}

// Drop counts an event from a transport that has waited here in vain.
func (g *Gate) Drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.backlog.counter(); m != nil {
		m.totals.Matched++
		m.drop()
	}
}

// attend is called by workers between two events when alert is set. It reports false when the queue is closed.
func (g *Gate) attend(r *Roster) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.watched {
		g.watched = false
		r.resume()
	}
	if g.closed {
		return false
	}
	g.wake()
	return true
}

// blocked reports whether there is no room, and none to come while so many handlers wait.
func (g *Gate) blocked(waiting int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.closed && g.backlog.room() <= 0 && g.backlog.able() <= waiting
}

// wake lets all waiting publishers look again. The caller holds mu.
func (g *Gate) wake() {
	if g.waiters != nil {
		close(g.waiters)
		g.waiters = nil
	}
	g.alert.Store(g.closed || g.watched)
}

// open tells whether g has room. If it has not and ready is not nil, it sets that to a channel closed when it may have.
func (g *Gate) open(ready *<-chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ready != nil {
		g.alert.Store(true) // before counting, so that a worker that frees room after the count sees it
	}
	if g.closed || g.backlog.room() > 0 {
		return true
	}
	if ready != nil {
		if g.waiters == nil {
			g.waiters = make(chan struct{})
		}
		*ready = g.waiters
	}
	return false
}
