package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
)

// producer is a Producer without its Go type.
type producer struct {
	depot  *depot
	origin *envelope.Origin
	codec  codec.Codec
	room   *room     // of the one that dead letters come from, if that is what it sends
	dead   *producer // where its tasks go that are given up; nil: nowhere, they are tried for ever

	limit      int
	attempts   int // negative: any number
	ackTimeout time.Duration

	// Guarded by the depot's lock.
	closed         bool
	last           uint64 // the sequence of its last task
	sent           uint64
	waiting, given uint64
	ended          [abandoned + 1]uint64
	waits          []*wait
	lost           uint64 // dead letters that no Wait has told of
	lostReason     string // of the first of them
}

// wait is a Wait that is under way.
type wait struct {
	until  uint64 // the last task that it waits for
	left   uint64
	dead   uint64
	reason string
	ended  bool          // the bus has given up some of them
	done   chan struct{} // closed when nothing is left
}

// tell tells those who wait that a task has ended.
func (p *producer) tell(seq uint64, how outcome, reason string) {
	told := false
	for i := 0; i < len(p.waits); i++ {
		w := p.waits[i]
		if seq > w.until {
			continue
		}
		w.ended = w.ended || how == abandoned
		if how == buried {
			told = true
			if w.dead++; w.dead == 1 {
				w.reason = reason
			}
		}
		if w.left--; w.left == 0 {
			close(w.done)
			p.waits = slices.Delete(p.waits, i, i+1)
			i--
		}
	}
	if how == buried && !told {
		if p.lost++; p.lost == 1 {
			p.lostReason = reason
		}
	}
}

// send takes a task. The payload is copied, or kept with owned; nil: there is only the value.
func (p *producer) send(ctx context.Context, s slot, owned bool) (seq uint64, err error) {
	d := p.depot
	if err := d.hub.bus.Admit(ctx); err != nil {
		return 0, err
	}
	if !p.room.take() {
		if err := p.await(ctx); err != nil {
			return 0, err
		}
	}
	d.lock()
	defer d.unlock()
	if p.closed || d.over || d.draining && d.hub.bus.Admit(ctx) != nil {
		p.room.give(1)
		return 0, bus.ErrClosed
	}
	if s.payload != nil && !owned {
		s.payload = d.queue.keep(s.payload)
	}
	return d.queue.add(p, s), nil
}

// await waits for room.
func (p *producer) await(ctx context.Context) error {
	d := p.depot
	if at := deliveryOf(ctx); at != nil && at.worker.depot == d {
		return &FullError{Task: d.name, Queue: p.limit}
	}
	for {
		freed, draining := p.room.next(), d.hub.bus.Draining()
		if p.room.take() {
			return nil
		}
		select {
		case <-draining: // a handler may go on waiting, until the bus ends
			if err := d.hub.bus.Admit(ctx); err != nil {
				return err
			}
			draining = nil
		default:
		}
		select {
		case <-freed:
		case <-draining:
		case <-d.ended:
			return bus.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wait waits until all tasks sent so far are done.
func (p *producer) wait(ctx context.Context) error {
	d := p.depot
	d.lock()
	if p.closed || d.over {
		d.unlock()
		return bus.ErrClosed
	}
	w := &wait{until: p.last, left: p.waiting + p.given, dead: p.lost, reason: p.lostReason, done: make(chan struct{})}
	p.lost, p.lostReason = 0, ""
	if w.left == 0 {
		close(w.done)
	} else {
		p.waits = append(p.waits, w)
	}
	d.unlock()
	select {
	case <-w.done:
	case <-d.ended:
	case <-ctx.Done():
	}
	d.lock()
	defer d.unlock()
	switch {
	case w.ended:
		return bus.ErrClosed
	case w.left == 0 && w.dead > 0:
		return &DeadLetterError{Task: d.name, N: int(w.dead), Reason: w.reason}
	case w.left == 0:
		return nil
	}
	p.waits = slices.DeleteFunc(p.waits, func(other *wait) bool { return other == w })
	if w.dead > 0 { // another Wait is to tell of them
		p.lostReason = w.reason
		p.lost += w.dead
	}
	return &UnfinishedError{Task: d.name, Left: int(w.left), Err: ctx.Err()}
}
