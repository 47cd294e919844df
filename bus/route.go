package bus

import (
	"context"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/internal/lane"
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

	mu          sync.Mutex
	targets     *Targets
	subscribers int
	retained    []Retained
	shared      []any  // what subscriptions to nothing but this topic share
	seq         uint64 // of the last event
	plain       uint64 // events without a number
	unmatched   uint64
	out         *outgoing // nil until something is sent
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

// Join returns the route of the topic with that name for a subscription to nothing but that topic, or for an event passed on, inside the
// module. It is the topic's for as long as Leave was not called.
func (b *Bus) Join(name string) *Route {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.route(name)
	r.queues++
	return r
}

// Leave undoes Join.
func (r *Route) Leave() {
	b := r.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	r.queues--
	b.dropUnused(r)
}

// Lock returns what guards the route, for those that joined it.
func (r *Route) Lock() *sync.Mutex { return &r.mu }

// Shared returns what those that joined the route share and find says is it, or what create makes when there is none.
func (r *Route) Shared(find func(any) bool, create func() any) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.shared {
		if find(s) {
			return s
		}
	}
	s := create()
	r.shared = append(r.shared, s)
	return s
}

// route returns the route of the topic with that name. The caller holds mu.
func (b *Bus) route(name string) *Route {
	r := b.routes[name]
	if r == nil {
		r = &Route{bus: b, name: name}
		r.retarget(b.sinks.Append(nil, name))
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

// retarget makes the route lead to the given subscriptions. The caller holds Bus.mu.
func (r *Route) retarget(sinks []Sink) {
	targets := newTargets(sinks)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.targets, r.subscribers = targets, len(sinks)
}

// Retain makes what r keeps come to those who subscribe later, inside the module. While its events are read, the route is locked.
func (r *Route) Retain(kept Retained) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retained = append(r.retained, kept)
}

// Acquire locks the route and all its targets as soon as each has room for an event. The caller numbers or sends the event, appends it to
// every lane, begins every inline call, and releases. On an error nothing is locked. An event that is not local has no targets.
func (r *Route) Acquire(ctx context.Context, local bool) (*Targets, error) {
	// Most routes lead to one log that has room: 4 ns of 37.
	r.mu.Lock()
	if t := r.targets; t.alone != nil && t.alone.Ready() && local && r.bus.state.Load() == open {
		return t, nil
	}
	r.mu.Unlock()
	return r.acquire(ctx, local)
}

func (r *Route) acquire(ctx context.Context, local bool) (*Targets, error) {
	var wait *lane.Wait
	for {
		state := r.bus.state.Load()
		if state != open && !r.bus.admits(ctx, state) {
			return nil, ErrClosed
		}
		r.mu.Lock()
		t := nowhere
		if local {
			t = r.targets
		}
		for _, e := range t.locked {
			e.Lock()
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
			from := r.bus.handlerOf(ctx)
			if wait = r.bus.newWait(from, r.name); from == nil {
				wait.Stop = r.bus.draining // who publishes from outside of handlers does not wait any longer when the bus shuts down
			}
		}
		if err := wait.For(ctx, full); err != nil {
			return nil, r.refusal(err)
		}
	}
}

// Release unlocks what Acquire locked.
func (r *Route) Release(t *Targets) {
	for _, e := range t.locked {
		e.Unlock()
	}
	r.mu.Unlock()
}

// refusal is the error of a publish that could not wait, or not any longer.
func (r *Route) refusal(err error) error {
	switch err := err.(type) {
	case *lane.CycleError:
		return &CycleError{Topic: r.name, cycle: err}
	case *lane.TimeoutError:
		return &FullError{Topic: r.name, Subscription: err.Gate.Name, Waited: err.Waited}
	}
	return err
}

// newWait returns what an event on the topic waits for room with.
func (b *Bus) newWait(from *lane.Caller, topic string) *lane.Wait {
	return &lane.Wait{From: from.Waiter(), Patience: b.options.SlowAfter, Late: func(full *lane.Gate, waited time.Duration) {
		b.notices.send(Slow{Subscription: full.Name, CallSite: site(full.Site), Topic: topic, Age: waited, Depth: full.Depth()})
	}}
}

// Number returns the number of the next event, which stays on this bus. The caller has acquired the route, with t.
func (r *Route) Number(t *Targets) uint64 {
	r.match(t)
	r.seq++
	return r.seq
}

// Unnumbered counts an event that stays on this bus and has no number: one that no peer is told would be missed by those who are told the
// others. The caller has acquired the route, with t.
func (r *Route) Unnumbered(t *Targets) {
	r.match(t)
	r.plain++
}

// match counts an event that nobody wants.
func (r *Route) match(t *Targets) {
	if len(t.entries) == 0 {
		r.unmatched++
	}
}

// Refused counts a publish that returns err, and returns err.
func (r *Route) Refused(err error) error {
	r.bus.refused.Add(1)
	return err
}

// Now returns the time for events, exact to a millisecond.
func (b *Bus) Now() int64 { return b.clock.read() }
