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

// Route is one topic name that is published to on this bus. It is exported for the module's own packages.
//
// Its lock fixes the order of the topic: under it an event gets its number, goes to the transport, and is appended to every
// queue. So that none of these has to wait, Acquire finds room in all queues first.
type Route struct {
	bus  *Bus
	name string
	// Guarded by Bus.mu: publishers of the topic, and queues that use the lock as their own.
	publishers, queues int

	mu        sync.Mutex
	targets   *Targets
	seq       uint64 // of the last event
	plain     uint64 // events without a number
	unmatched uint64
	envelope  []byte            // encoded anew for each event
	message   transport.Message // filled anew for each event
}

// Targets are the subscriptions that a route leads to. They never change: a route gets new ones.
type Targets struct {
	Sinks  []Sink
	gates  []*lane.Gate
	locked []*lane.Gate // those that have a lock of their own
}

// newTargets returns the targets for sinks, which are in the order in which they were attached.
func newTargets(sinks []Sink) *Targets {
	t := &Targets{Sinks: sinks}
	for _, s := range sinks {
		g := s.Gate()
		t.gates = append(t.gates, g)
		if !g.Shared() {
			t.locked = append(t.locked, g)
		}
	}
	return t
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
// nothing but that topic. It is the route's for as long as release was not called.
func (b *Bus) RouteLock(name string) (lock *sync.Mutex, release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.route(name)
	r.queues++
	return &r.mu, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		r.queues--
		b.dropUnused(r)
	}
}

// route returns the route of the topic with that name. The caller holds mu.
func (b *Bus) route(name string) *Route {
	r := b.routes[name]
	if r == nil {
		r = &Route{bus: b, name: name, targets: newTargets(match(b.sinks, name))}
		b.routes[name] = r
	}
	return r
}

// dropUnused forgets a route that has no publisher, and so no number to remember, and whose lock no queue uses. The caller holds mu.
func (b *Bus) dropUnused(r *Route) {
	if r.publishers == 0 && r.queues == 0 {
		delete(b.routes, r.name)
	}
}

// retarget lets change make new targets of the sinks that the route leads to.
func (r *Route) retarget(change func(sinks []Sink) []Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.targets = newTargets(change(r.targets.Sinks))
}

// Acquire locks the route and the queues of all its targets as soon as each has room for an event. The caller numbers or sends the
// event, appends it to every target, and releases. On an error nothing is locked.
func (r *Route) Acquire(ctx context.Context) (*Targets, error) {
	var wait *lane.Wait
	for {
		state := r.bus.state.Load()
		if state != open && !r.bus.admits(ctx, state) {
			return nil, ErrClosed
		}
		r.mu.Lock()
		t := r.targets
		for _, g := range t.locked {
			g.Lock()
		}
		full := t.full()
		if full == nil && r.bus.state.Load() == state {
			return t, nil
		}
		r.Release(t)
		if full == nil {
			continue // the state has changed since we asked
		}
		if wait == nil {
			wait = r.bus.newWait(r.bus.handlerOf(ctx), r.name)
		}
		if err := wait.For(ctx, full); err != nil {
			return nil, r.refusal(err)
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

// refusal is the error of a publish that could not wait, or not any longer.
func (r *Route) refusal(err error) error {
	var cycle *lane.CycleError
	if errors.As(err, &cycle) {
		return &CycleError{Topic: r.name, cycle: cycle}
	}
	return err
}

// newWait returns what an event on the topic waits for room with. Publishes from outside of handlers do not wait any longer when the bus
// shuts down.
func (b *Bus) newWait(from *lane.Caller, topic string) *lane.Wait {
	w := &lane.Wait{From: from, Late: func(full *lane.Gate, waited time.Duration) {
		b.notices.send(Slow{Subscription: full.Name, Topic: topic, Waited: waited})
	}}
	if from == nil {
		w.Stop = b.draining
	}
	return w
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
	r.message = transport.Message{Topic: r.name, Payload: payload.Frames, Plain: plain, Owned: owned}
	if !plain {
		m.Seq = r.seq + 1
		r.envelope = envelope.Append(r.envelope[:0], m)
		r.message.Envelope = r.envelope
	}
	err := r.bus.transport.Publish(&r.message)
	r.message.Payload = nil
	switch {
	case err != nil:
		m.Seq = 0
	case plain:
		r.plain++ // a number that no peer is told would be missed by those who are told the others
	default:
		r.seq++
	}
	return err
}

// Refused counts a publish that returns err, and returns err.
func (r *Route) Refused(err error) error {
	r.bus.refused.Add(1)
	return err
}

// Now returns the time for events, exact to a millisecond.
func (b *Bus) Now() int64 { return b.clock.read() }
