package memory

import (
	"slices"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/transport"
)

// pulling hands the tasks of the producers, which are the peers of a transport, to a sink.
type pulling struct {
	mu        sync.Mutex    // comes before those of the producers' mailboxes
	sink      *work         // nil while nobody works
	producers []*producer   // in the order in which they came
	changed   change.Signal // of sink
}

// work is one call of Work.
type work struct{ transport.TaskSink }

// Work makes s the sink of tasks. The error is a [*transport.InUseError] or [ErrClosed].
func (t *Transport) Work(s transport.TaskSink) (release func(), err error) {
	p := &t.pulling
	p.mu.Lock()
	switch {
	case t.refusing.Load():
		err = ErrClosed
	case p.sink != nil:
		err = &transport.InUseError{What: "Work"}
	}
	if err != nil {
		p.mu.Unlock()
		return nil, err
	}
	p.seat(&work{s})
	p.mu.Unlock()
	for _, producer := range p.all() {
		producer.introduce(p.now())
	}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.seat(nil)
	}), nil
}

// seat makes s, which may be nil, the sink. The caller holds the lock.
func (p *pulling) seat(s *work) {
	p.sink = s
	for _, producer := range p.producers {
		producer.box.serve(s != nil)
	}
	p.changed.Tell()
}

func (p *pulling) now() *work {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sink
}

// all returns the producers.
func (p *pulling) all() []*producer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.producers)
}

// await waits until there is a sink. It returns nil at the end of the transport.
func (p *pulling) await(leaving <-chan struct{}) *work {
	for {
		changed := p.changed.Next()
		if s := p.now(); s != nil {
			return s
		}
		select {
		case <-changed:
		case <-leaving:
			return nil
		}
	}
}

// producer is a peer that gives a transport tasks. It is a transport.TaskProducer.
type producer struct {
	of     *Transport // that gets them
	peer   transport.Peer
	worker *worker // the other side
	box    mailbox[transport.Message]

	calls sync.Mutex // held while the sink is called, but for Tasks, which may wait: one call at a time
	told  *work
	gone  bool
}

// introduce tells s, which may be nil, of the producer, unless it was told or the producer is gone.
func (p *producer) introduce(s *work) {
	p.calls.Lock()
	defer p.calls.Unlock()
	if s != nil && !p.gone && p.told != s {
		p.told = s
		s.ProducerUp(p)
	}
}

// deliver hands tasks to the sink, and waits for one if it was released a moment ago.
func (p *producer) deliver(some []transport.Message) {
	c := &p.of.counts
	s := p.of.pulling.await(p.of.leaving)
	if s == nil {
		c.untaken.Add(uint64(len(some)))
		return
	}
	p.introduce(s)
	taken := s.Tasks(p, some)
	c.received.Add(uint64(taken))
	c.untaken.Add(uint64(len(some) - taken))
}

// down says that the producer is gone, once, to the sink if it knows the producer.
func (p *producer) down(err error) {
	all := &p.of.pulling
	all.mu.Lock()
	all.producers = slices.DeleteFunc(all.producers, func(other *producer) bool { return other == p })
	s := all.sink
	all.mu.Unlock()
	p.calls.Lock()
	defer p.calls.Unlock()
	if !p.gone && s != nil && s == p.told {
		s.ProducerDown(p, err)
	}
	p.gone = true
}

func (p *producer) Peer() transport.Peer { return p.peer }

// Credit is that of [transport.TaskProducer].
func (p *producer) Credit(task string, n uint32) { p.say(word{kind: credit, task: task, count: n}) }

// Ack is that of [transport.TaskProducer].
func (p *producer) Ack(task string, first uint64, count uint32) {
	p.say(word{kind: ack, task: task, first: first, count: count})
}

// Nack is that of [transport.TaskProducer].
func (p *producer) Nack(task string, seq uint64, delay time.Duration, reason string) {
	p.say(word{kind: nack, task: task, first: seq, delay: delay, reason: reason})
}

// say tells the other side, unless that is gone.
func (p *producer) say(w word) { _, _ = p.worker.box.add(w, -1) }

// Reject ends the way of tasks from this peer, for good.
func (p *producer) Reject(reason error) {
	if p.end(reason) {
		p.of.rejected(p.peer, reason)
		p.worker.end(errRejected)
	}
}

// end drops what waits, which the other side gives to somebody else, and has down called. It reports whether it is the first to do so.
func (p *producer) end(reason error) (first bool) {
	dropped, first := p.box.end(true, func() { p.down(reason) })
	p.unsent(dropped)
	return first
}

// close is end for the end of the transport.
func (p *producer) close() { p.unsent(p.box.close()) }

// unsent takes back that tasks were sent.
func (p *producer) unsent(n int) { p.worker.of.counts.sent.Add(-uint64(n)) }
