package bus

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/transport"
)

// patience is how long a Publish waits for room before a Slow notice tells of it.
const patience = time.Second

// Route is one topic name that is published to on this bus. It is exported for the module's own packages.
//
// Its lock fixes the order of the topic: under it an event gets its number, goes to the transport, and is appended to every
// queue. So that none of these has to wait, Acquire finds room in all queues first.
type Route struct {
	bus  *Bus
	name string

	mu         sync.Mutex
	targets    *Targets
	seq        uint64
	unmatched  uint64
	publishers int
	envelope   []byte            // encoded anew for each event
	message    transport.Message // filled anew for each event
}

// Targets are the subscriptions that a route leads to. They never change: a route gets new ones.
type Targets struct {
	Sinks  []Sink
	gates  []*lane.Gate
	locked []*lane.Gate // those that have a lock of their own, in the order of their IDs
}

// Route returns the route of the topic with that name for one more publisher, inside the module.
func (b *Bus) Route(name string) (*Route, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() != open {
		return nil, ErrClosed
	}
	r := b.route(name)
	r.publishers++
	b.changed.Tell()
	return r, nil
}

// RouteLock returns the lock of the route of the topic with that name, inside the module: for the queue of a subscription to
// nothing but that topic.
func (b *Bus) RouteLock(name string) *sync.Mutex {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &b.route(name).mu
}

// route returns the route of the topic with that name. The caller holds mu.
func (b *Bus) route(name string) *Route {
	r := b.routes[name]
	if r == nil {
		r = &Route{bus: b, name: name}
		r.setTargets(match(b.sinks, name))
		b.routes[name] = r
	}
	return r
}

// setTargets replaces the targets.
func (r *Route) setTargets(sinks []Sink) {
	t := &Targets{Sinks: sinks}
	for _, s := range sinks {
		g := s.Gate()
		t.gates = append(t.gates, g)
		if !g.Shared() {
			t.locked = append(t.locked, g)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.targets = t
}

// Acquire locks the route and the queues of all its targets as soon as each has room for an event. The caller numbers or sends the
// event, appends it to every target, and releases. On an error nothing is locked.
func (r *Route) Acquire(ctx context.Context) (*Targets, error) {
	for {
		r.mu.Lock()
		t := r.targets
		for _, g := range t.locked {
			g.Lock()
		}
		full := t.full()
		if full == nil && (r.bus.state.Load() == open || r.bus.admits(ctx)) {
			return t, nil
		}
		r.Release(t)
		if full == nil {
			return nil, ErrClosed
		}
		if err := r.wait(ctx, full); err != nil {
			return nil, err
		}
	}
}

// full returns a gate that cannot take an event now, nil if there is none.
func (t *Targets) full() *lane.Gate {
	for _, g := range t.gates {
		if !g.Admits() {
			return g
		}
	}
	return nil
}

// Release unlocks what Acquire locked.
func (r *Route) Release(t *Targets) {
	for _, g := range t.locked {
		g.Unlock()
	}
	r.mu.Unlock()
}

// wait waits for room in full.
func (r *Route) wait(ctx context.Context, full *lane.Gate) error {
	err := full.Wait(ctx, r.bus.handlerOf(ctx), patience, func() {
		r.bus.notices.send(Slow{Subscription: full.Name, Topic: r.name, Waited: patience})
	})
	var cycle *lane.CycleError
	if errors.As(err, &cycle) {
		return &CycleError{Topic: r.name, cycle: cycle}
	}
	return err
}

// Encodes reports whether the route leads out of the process, so that every event has to be encoded.
func (r *Route) Encodes() bool { return r.bus.transport != nil }

// Number returns the number of the next event, which stays on this bus. The caller has acquired the route, with t.
func (r *Route) Number(t *Targets) uint64 {
	if len(t.gates) == 0 {
		r.unmatched++
	}
	r.seq++
	return r.seq
}

// Send numbers the event and hands it to the transport, if there is one. owned lets the transport keep the payload. On an error
// the event is nowhere and its number is free. The caller has acquired the route, with t.
func (r *Route) Send(t *Targets, m *envelope.Meta, payload *envelope.Payload, plain, owned bool) error {
	if r.bus.transport == nil {
		m.Seq = r.Number(t)
		return nil
	}
	m.Seq = r.seq + 1
	r.envelope = envelope.Append(r.envelope[:0], m)
	r.message = transport.Message{Topic: r.name, Envelope: r.envelope, Payload: payload.Frames, Plain: plain, Owned: owned}
	err := r.bus.transport.Publish(&r.message)
	r.message.Payload = nil
	if err != nil {
		m.Seq = 0
		return err
	}
	r.seq++
	return nil
}

// Refused counts a publish that returns err, and returns err.
func (r *Route) Refused(err error) error {
	r.bus.refused.Add(1)
	return err
}

// Now returns the time for events, exact to a millisecond.
func (b *Bus) Now() int64 { return b.clock.read() }
