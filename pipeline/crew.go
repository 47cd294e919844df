package pipeline

import (
	"math"
	"slices"
	"time"
)

const (
	// patience is how long a task waits for a worker here before it is given back, in nanoseconds.
	patience = int64(5 * time.Second)
	forever  = math.MaxInt64
)

// crew is the workers of a bus for one task, and what they have to do. The depot's lock guards it.
type crew struct {
	depot   *depot
	workers []*worker // those that were not closed, and those that still run
	intakes []*intake
	home    upstream // of the queue of the same bus
	turn    int      // of intakes: whose task is next
	next    int      // of workers: who is asked first
	leaving bool     // the bus drains
	behind  bool     // some window is smaller than it may be

	held      int // tasks that wait, of all intakes
	received  uint64
	returned  uint64
	abandoned uint64
}

func (c *crew) init(d *depot) {
	c.depot = d
	consumer := &consumer{queue: &d.queue}
	consumer.intake = &intake{crew: c, upstream: home{consumer}}
	c.home = consumer.intake.upstream
	c.intakes = append(c.intakes, consumer.intake)
	d.queue.consumers = append(d.queue.consumers, consumer)
}

// active counts the workers that take tasks.
func (c *crew) active() (n int) {
	for _, w := range c.workers {
		if w.active() {
			n++
		}
	}
	return n
}

// changed is called when workers have come or gone.
func (c *crew) changed() {
	for _, i := range c.intakes {
		if i.full() == 0 {
			i.close()
		} else {
			i.open()
		}
	}
}

// leave takes no more tasks from other processes.
func (c *crew) leave() {
	c.leaving = true
	c.changed()
}

// join adds an intake.
func (c *crew) join(i *intake) {
	c.intakes = append(c.intakes, i)
	i.open()
}

// part takes an intake off whose producer is gone. That gives what it has to others; what the plain form has brought is here.
func (c *crew) part(i *intake) {
	i.gone = true
	if !i.plain {
		i.returnHeld(forever)
	}
	c.forget(i)
}

// forget takes an intake off that is gone and has nothing left.
func (c *crew) forget(i *intake) {
	if i.gone && i.held.len() == 0 && i.running == 0 {
		c.intakes = slices.DeleteFunc(c.intakes, func(other *intake) bool { return other == i })
	}
}

// rouse has handlers begin, as long as there are tasks for them.
func (c *crew) rouse() {
	if c.held == 0 || c.depot.over {
		return
	}
	n := len(c.workers)
	for k := 0; k < n && c.held > 0; {
		w := c.workers[(c.next+k)%n]
		if w.busy() || !w.begin() {
			k++
			continue
		}
		c.next, k = (c.next+k+1)%n, 0
	}
}

// take returns the next task for a worker, in turns over the intakes.
func (c *crew) take(w *worker) (j job, ok bool) {
	if c.held == 0 {
		return job{}, false
	}
	n := len(c.intakes)
	for k := range n {
		i := c.intakes[(c.turn+k)%n]
		if i.held.len() == 0 || !w.takes(i) {
			continue
		}
		c.turn = (c.turn + k + 1) % n
		c.held--
		i.running++
		return i.held.pop(), true
	}
	return job{}, false
}

// pending reports whether something waits that a worker will take. What came in the plain form may have come after the last one that would.
func (c *crew) pending() bool {
	return c.held > 0 && slices.ContainsFunc(c.intakes, func(i *intake) bool {
		return i.held.len() > 0 && slices.ContainsFunc(c.workers, func(w *worker) bool { return w.takes(i) })
	})
}

// finished is told what became of a task that take has returned: err is nil, or why it is to be given again after a delay, negative: never.
func (c *crew) finished(j *job, err error, delay time.Duration) {
	i := j.intake
	i.running--
	switch {
	case i.gone:
		c.forget(i)
	case err == nil:
		i.upstream.ack(j.seq)
	default:
		i.upstream.nack(j.seq, delay, reasonOf(err))
	}
	if c.behind {
		c.catchUp()
	}
	i.refill()
	if i.free {
		c.depot.spare.Tell()
	}
}

// catchUp asks for tasks again where due has given them back, since a handler has become free, and makes windows larger when nothing waits.
func (c *crew) catchUp() {
	c.behind = false
	pending := c.pending()
	for _, i := range c.intakes {
		if full := i.full(); i.window < full {
			if !pending {
				i.window = min(2*i.window, full)
			}
			c.behind = c.behind || i.window < full
			i.refill()
		}
	}
}

// due gives back what has waited for too long, and makes the windows of those intakes small.
func (c *crew) due(now int64) {
	next := int64(forever)
	for _, i := range c.intakes {
		if i.plain {
			continue
		}
		if i.returnHeld(now-patience) > 0 {
			i.narrow(c.hands())
			c.behind = true
		}
		if i.held.len() > 0 {
			next = min(next, i.held.front().since+patience)
		}
	}
	if next != forever {
		c.depot.ringBy(next)
	}
}

// dismiss takes a worker off that has ended.
func (c *crew) dismiss(w *worker) {
	c.workers = slices.DeleteFunc(c.workers, func(other *worker) bool { return other == w })
}

// hands is how many handlers may run at the same time.
func (c *crew) hands() (n int) {
	for _, w := range c.workers {
		if w.active() {
			n += w.options.Workers
		}
	}
	return max(n, 1)
}

// abandon gives up what waits.
func (c *crew) abandon() {
	for _, i := range c.intakes {
		for i.held.len() > 0 {
			i.held.pop()
			c.held--
			c.abandoned++
		}
	}
}
