package pipeline

import (
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

var _ transport.TaskSource = (*hub)(nil)

// remote is a process with workers. The hub's lock guards it.
type remote struct {
	worker  transport.TaskWorker
	claims  map[string]*consumer // by task; "" for the plain form
	watched atomic.Bool          // some consumer wants to know what was written
}

// WorkerUp is called by the transport.
func (h *hub) WorkerUp(w transport.TaskWorker) {
	h.mu.Lock()
	r := &remote{worker: w, claims: map[string]*consumer{}}
	h.remotes[w] = r
	if w.Peer().Plain {
		h.claim(r, "")
	}
	h.mu.Unlock()
	h.changed.Tell()
}

// claim returns the consumer that a remote is for a task. The lock is held.
func (h *hub) claim(r *remote, task string) *consumer {
	c := r.claims[task]
	if c != nil {
		return c
	}
	c = &consumer{remote: r, plain: task == "", free: r.worker.Peer().Plain}
	r.claims[task] = c
	d := h.depots[task]
	if c.plain {
		d = h.plain
	}
	if d != nil {
		c.attach(d)
	}
	return c
}

// attach makes c a consumer of the tasks of d. The hub's lock is held.
func (c *consumer) attach(d *depot) {
	d.lock()
	defer d.unlock()
	c.queue = &d.queue
	d.queue.consumers = append(d.queue.consumers, c)
	if blank := c.remote.claims[""]; blank != nil && blank.queue == c.queue {
		blank.named = c.remote.claims[d.name]
	}
}

// find returns the claim of a process, and its queue, which is nil as long as nobody produces the task.
func (h *hub) find(w transport.TaskWorker, task string) (*consumer, *queue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.remotes[w]
	if r == nil {
		return nil, nil
	}
	c := r.claims[task]
	if c == nil {
		return nil, nil
	}
	return c, c.queue
}

// Credit is called by the transport.
func (h *hub) Credit(w transport.TaskWorker, task string, n uint32) {
	h.mu.Lock()
	r := h.remotes[w]
	if r == nil || w.Peer().Plain {
		h.mu.Unlock()
		return
	}
	if r.claims[task] == nil && len(r.claims) >= maxNames {
		h.mu.Unlock()
		w.Reject(errTooManyNames)
		return
	}
	c := h.claim(r, task)
	q := c.queue
	var news bool
	if q == nil {
		news = c.announced != (n > 0)
		c.grant(n)
	}
	h.mu.Unlock()
	if q != nil {
		q.depot.lock()
		news = c.announced != (n > 0)
		c.grant(n)
		q.depot.unlock()
	}
	if news {
		h.changed.Tell()
	}
}

// Ack is called by the transport.
func (h *hub) Ack(w transport.TaskWorker, task string, first uint64, count uint32) {
	if _, q := h.find(w, task); q != nil {
		q.depot.lock()
		q.acked(first, count)
		q.depot.unlock()
	}
}

// Nack is called by the transport.
func (h *hub) Nack(w transport.TaskWorker, task string, seq uint64, delay time.Duration, reason string) {
	if c, q := h.find(w, task); q != nil {
		q.depot.lock()
		q.nacked(c, seq, delay, reason)
		q.depot.unlock()
	}
}

// Written is called by the transport.
func (h *hub) Written(w transport.TaskWorker) {
	h.mu.Lock()
	r := h.remotes[w]
	if r == nil || !r.watched.Swap(false) {
		h.mu.Unlock()
		return
	}
	var consumers []*consumer
	for _, c := range r.claims {
		if c.queue != nil {
			consumers = append(consumers, c)
		}
	}
	h.mu.Unlock()
	for _, c := range consumers {
		c.queue.depot.lock()
		c.progress()
		c.queue.depot.unlock()
	}
}

// WorkerDown is called by the transport.
func (h *hub) WorkerDown(w transport.TaskWorker, err error) {
	reason := "connection lost"
	if err != nil {
		reason = reasonOf(&lostError{err})
	}
	h.mu.Lock()
	r := h.remotes[w]
	delete(h.remotes, w)
	h.mu.Unlock()
	if r == nil {
		return
	}
	for _, c := range r.claims { // nobody else changes them any more
		if c.queue != nil {
			c.queue.depot.lock()
			c.lose(reason)
			c.queue.depot.unlock()
		}
	}
	h.changed.Tell()
}

// lostError is why a task that a lost connection had is given again.
type lostError struct{ err error }

// Error says that the connection was lost.
func (e *lostError) Error() string { return "connection lost: " + e.err.Error() }
