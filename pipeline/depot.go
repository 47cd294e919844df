package pipeline

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/internal/change"
)

// depot is all that a bus knows of one task: the queue of what its producers sent, and the workers of this bus. It is there as long as the bus.
//
// Its lock comes after that of the hub. Consumers and producers in other processes are called under it: they never wait. Handlers are not.
type depot struct {
	hub     *hub
	name    string
	staffed atomic.Bool // there are workers, or have been

	mu       sync.Mutex
	queue    queue
	crew     crew
	over     bool
	ended    chan struct{} // closed with over
	quiet    change.Signal // something may have become idle
	spare    change.Signal // a plain producer that waits may have room
	alarm    *time.Timer
	ringing  bool  // the alarm is set, or rings
	ringAt   int64 // when, Unix nanoseconds
	done     chan struct{}
	draining bool // Shutdown has begun
}

func newDepot(h *hub, name string) *depot {
	d := &depot{hub: h, name: name, ended: make(chan struct{}), done: make(chan struct{})}
	d.queue.init(d)
	d.crew.init(d)
	return d
}

func (d *depot) lock() { d.mu.Lock() }

// unlock also does what the changes under the lock have made possible: tasks are given out, handlers begin, and dead letters are sent.
func (d *depot) unlock() {
	d.queue.pump()
	d.crew.rouse()
	letters := d.queue.letters
	d.queue.letters = nil
	d.mu.Unlock()
	for i := range letters {
		letters[i].send(d)
	}
}

// ringBy has the alarm ring at that time or before. The caller holds the lock.
func (d *depot) ringBy(at int64) {
	if d.over || d.ringing && d.ringAt <= at {
		return
	}
	after := time.Duration(at - time.Now().UnixNano())
	if d.ringing && !d.alarm.Stop() {
		return // it rings already, and will look for what comes next
	}
	d.ringing, d.ringAt = true, at
	d.alarm = time.AfterFunc(after, d.ring)
}

// ring looks for what is due.
func (d *depot) ring() {
	d.lock()
	d.ringing = false
	if d.over {
		d.mu.Unlock()
		close(d.done)
		return
	}
	now := time.Now().UnixNano()
	d.queue.due(now)
	d.crew.due(now)
	d.unlock()
}

// Name is what the bus calls the queue.
func (d *depot) Name() string { return `queue of task "` + d.name + `"` }

// Of is that of [bus.Service].
func (d *depot) Of() (kind, name string) { return "queue", d.name }

// Drain makes Sends from outside of handlers fail, and takes no more tasks from other processes.
func (d *depot) Drain() {
	d.lock()
	d.draining = true
	d.crew.leave()
	d.unlock()
}

// Idle reports whether every task is done.
func (d *depot) Idle() (<-chan struct{}, uint64) {
	quiet := d.quiet.Next()
	d.lock()
	defer d.unlock()
	if d.queue.live == 0 {
		return nil, d.queue.next
	}
	return quiet, d.queue.next
}

// Left counts the tasks that are not done, or were not at the end.
func (d *depot) Left() (queued, running uint64) {
	d.lock()
	defer d.unlock()
	return uint64(d.queue.live) + d.queue.abandoned, 0
}

// Close gives up everything.
func (d *depot) Close() {
	d.lock()
	if d.over {
		d.unlock()
		return
	}
	d.over = true
	close(d.ended)
	d.queue.abandon()
	d.crew.abandon()
	silent := !d.ringing || d.alarm.Stop()
	d.mu.Unlock()
	d.quiet.Tell()
	d.spare.Tell()
	if silent {
		close(d.done)
	}
}

// Done is closed after that.
func (d *depot) Done() <-chan struct{} { return d.done }
