package bus

import (
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/internal/match"
)

// Sink is a subscription as the bus sees it. Package subscriber implements it; it is exported for the module's own packages.
type Sink interface {
	// Selector is which topics it wants.
	Selector() match.Selector
	// Member has its name, its counters and its end.
	Member() *lane.Member
	// Lane is what its events are put into; nil for an inline subscription.
	Lane() Lane
	// Inline is it as one that publishers call; nil if it has a lane.
	Inline() Inline
	// Attached is called once, when events are about to come, with what the topics retain. All routes that lead to it are locked.
	Attached(retained []Retained)
	// Close ends the subscription without telling the bus: the contexts of its handlers, and its queue.
	Close()
}

// Retained are the events that a publisher keeps for those who subscribe later. Package publisher implements it.
type Retained interface {
	// Encoded returns the events, oldest first, still to be decoded. A publisher of the subscription's Go type has them as they are as well.
	Encoded() []Kept[envelope.Meta]
}

// Kept is an event that is retained. It is exported for the module's own packages.
type Kept[E any] struct {
	Event E
	Nth   uint64 // the order in which events were published, whatever the topic and the publisher
}

// NextID numbers what publishers lock and what they keep, inside the module.
func (b *Bus) NextID() uint64 { return b.ids.Add(1) }

// Attach adds a subscription, inside the module: to the routes that match it, present and future, and to the transport.
func (b *Bus) Attach(s Sink) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() != open {
		return ErrClosed
	}
	if b.transport != nil {
		b.generation.Add(1) // what peers send again at once asks for the targets, and so waits for us
		if err := b.transport.Subscribe(s.Selector().WirePrefix()); err != nil {
			return err
		}
	}
	routes := b.routesOf(s.Selector())
	var retained []Retained
	for _, r := range routes {
		r.mu.Lock()
		defer r.mu.Unlock()
		retained = append(retained, r.retained...)
	}
	s.Attached(retained)
	b.sinks.Add(s.Selector(), s)
	for _, r := range routes {
		r.subscribers++
		r.targets = r.targets.with(s)
	}
	b.generation.Add(1)
	b.changed.Tell()
	return nil
}

// Detach takes a subscription, which is closed, off the bus, inside the module.
func (b *Bus) Detach(s Sink) error {
	if !b.detach(s) || b.transport == nil {
		return nil
	}
	b.tracker.forget(s.Selector().Match, b.sinksFor)
	if b.state.Load() == closed {
		return nil // and the transport with it
	}
	return b.transport.Unsubscribe(s.Selector().WirePrefix())
}

// detach reports whether s was attached.
func (b *Bus) detach(s Sink) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.sinks.Remove(s.Selector(), s) {
		return false
	}
	for _, r := range b.routesOf(s.Selector()) {
		r.retarget(b.sinks.Append(nil, r.name))
	}
	b.generation.Add(1)
	b.changed.Tell()
	b.leave(s)
	return true
}

// routesOf returns the routes of the topics that are selected. The caller holds mu.
func (b *Bus) routesOf(sel match.Selector) (routes []*Route) {
	if name, exact := sel.Name(); exact {
		if r := b.routes[name]; r != nil {
			routes = append(routes, r)
		}
		return routes
	}
	for name, r := range b.routes {
		if sel.Match(name) {
			routes = append(routes, r)
		}
	}
	return routes
}

// sinksFor returns the subscriptions that want the topic.
func (b *Bus) sinksFor(topic string) []Sink {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sinks.Append(nil, topic)
}
