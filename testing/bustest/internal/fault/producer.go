package fault

import (
	"maps"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// producer is a transport.TaskProducer as the bus knows it, until its connection is lost or cut off.
type producer struct {
	link *producerLink
	gone atomic.Bool
}

func (p *producer) Peer() transport.Peer { return p.link.real.Peer() }

func (p *producer) Reject(reason error) {
	if !p.gone.Load() {
		p.link.real.Reject(reason)
	}
}

// Credit uses some of the credit for what comes twice.
func (p *producer) Credit(task string, n uint32) {
	l := p.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.gone.Load() || p.Peer().Plain {
		return
	}
	i := l.intake(task)
	if i.open = n > 0; n == 0 {
		l.forget(i)
		i.late, i.left = i.late+i.left, 0
		l.real.Credit(task, 0)
		return
	}
	ready := min(len(i.held), int(n))
	for _, h := range i.held[:ready] {
		l.sink.of.of.withheld.Add(-1)
		l.bring(0, p, h)
	}
	i.held = i.held[ready:]
	n -= uint32(ready)
	i.left += uint64(n)
	if n > 0 {
		l.real.Credit(task, n)
	}
}

func (p *producer) Ack(task string, first uint64, count uint32) {
	l := p.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.gone.Load() {
		return
	}
	maps.DeleteFunc(l.intake(task).undone, func(seq uint64, _ struct{}) bool { return first <= seq && seq-first < uint64(count) })
	l.real.Ack(task, first, count)
}

func (p *producer) Nack(task string, seq uint64, delay time.Duration, reason string) {
	l := p.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.gone.Load() {
		return
	}
	delete(l.intake(task).undone, seq)
	l.real.Nack(task, seq, delay, reason)
}
