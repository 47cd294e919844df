package lane

import (
	"sync"
	"sync/atomic"
	"time"
)

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
