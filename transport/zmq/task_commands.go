package zmq

import (
	"sync"

	"github.com/fanfare-go/fanfare/socket"
)

// taskCommands gathers what a PULL has to tell one PUSH while the last command is being written, so that a quick worker writes few commands.
type taskCommands struct {
	connection *socket.Connection

	mu      sync.Mutex
	writing bool // commands were queued, and are not written yet
	tasks   []*taskNews
	last    *taskNews // of tasks, the one that was used last
	buf     []byte
}

// taskNews is what there is to tell of one task.
type taskNews struct {
	task   string
	done   []taskRange
	credit uint32
	fresh  bool // there is credit to tell of, 0 included
}

// of returns the news of a task. The caller holds the lock.
func (c *taskCommands) of(task string) *taskNews {
	if c.last != nil && c.last.task == task {
		return c.last
	}
	for _, n := range c.tasks {
		if n.task == task {
			c.last = n
			return n
		}
	}
	c.last = &taskNews{task: task}
	c.tasks = append(c.tasks, c.last)
	return c.last
}

func (c *taskCommands) ack(task string, first uint64, count uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of(task)
	if last := len(n.done) - 1; last >= 0 {
		if r := &n.done[last]; first == r.first+uint64(r.count) && r.count+count > r.count {
			r.count += count
			c.flush()
			return
		}
	}
	n.done = append(n.done, taskRange{first, count})
	c.flush()
}

// credit adds to what was not told yet. 0 is told at once, in its place: it takes back what was told before, not what comes after.
func (c *taskCommands) credit(task string, n uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	news := c.of(task)
	if n == 0 {
		news.credit, news.fresh = 0, false
		c.send(creditCommand, appendCredit(c.buf[:0], task, 0))
		return
	}
	news.credit += n
	news.fresh = true
	c.flush()
}

// nack is told at once.
func (c *taskCommands) nack(n nack) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.send(nackCommand, n.append(c.buf[:0]))
}

// flush queues all that there is to tell, unless commands are being written: then that is done after them. The caller holds the lock.
func (c *taskCommands) flush() {
	if c.writing {
		return
	}
	for _, n := range c.tasks {
		for rest := n.done; len(rest) > 0; {
			some := rest[:min(len(rest), maxRanges)]
			rest = rest[len(some):]
			c.send(ackCommand, appendAck(c.buf[:0], n.task, some))
		}
		n.done = n.done[:0]
		if n.fresh {
			c.send(creditCommand, appendCredit(c.buf[:0], n.task, n.credit))
			n.credit, n.fresh = 0, false
		}
	}
}

// settle queues all that there is to tell, for the end: nothing waits for what is being written any more.
func (c *taskCommands) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = false
	c.flush()
}

// send queues a command. The caller holds the lock.
func (c *taskCommands) send(name string, body []byte) {
	c.buf = body
	c.writing = true
	c.connection.Command(name, body, c.written)
}

// written is called by who writes. Of several commands that were queued each calls it, so that some may be told earlier than they could be.
func (c *taskCommands) written() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = false
	c.flush()
}
