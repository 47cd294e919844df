package bus

import (
	"context"
	"slices"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/lane"
)

// Sink is a subscription as the bus sees it. Package subscriber implements it; it is exported for the module's own packages.
type Sink interface {
	// Match reports whether the subscription wants the topic with that name.
	Match(name string) bool
	// WirePrefix is what to subscribe to at a transport.
	WirePrefix() string
	// Bare returns the origin to give to a message without a topic, nil when the subscription does not want it.
	Bare(payload []byte) *envelope.Origin
	// Gate is the untyped side of the subscription's queue.
	Gate() *lane.Gate
	// Deliver appends an encoded event that was published on this bus as another Go type. The gate is locked.
	Deliver(m *envelope.Meta)
	// Offer appends an event from the transport. It reports false when the queue is full and publishers are to wait.
	Offer(m *envelope.Meta) bool
	// Close ends the subscription without telling the bus: the contexts of its handlers, and its queue.
	Close()
}

// Attach adds a subscription, inside the module: to the routes that match it, present and future, and to the transport.
func (b *Bus) Attach(s Sink) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() != open {
		return ErrClosed
	}
	if b.transport != nil {
		if err := b.transport.Subscribe(s.WirePrefix()); err != nil {
			return err
		}
	}
	b.setSinks(append(b.sinks[:len(b.sinks):len(b.sinks)], s))
	return nil
}

// Detach takes a subscription off the bus, inside the module. No event is appended to it afterwards.
func (b *Bus) Detach(s Sink) error {
	b.mu.Lock()
	rest := slices.DeleteFunc(slices.Clone(b.sinks), func(other Sink) bool { return other == s })
	if len(rest) == len(b.sinks) {
		b.mu.Unlock()
		return nil
	}
	b.setSinks(rest)
	b.leaving = append(slices.DeleteFunc(b.leaving, ended), s.Gate())
	b.mu.Unlock()
	if b.transport == nil {
		return nil
	}
	b.tracker.forget(func(topic string) bool { return s.Match(topic) && len(match(rest, topic)) == 0 })
	return b.transport.Unsubscribe(s.WirePrefix())
}

// ended reports whether the subscription with that gate is closed and its last handler has returned.
func ended(g *lane.Gate) bool {
	select {
	case <-g.Done():
		return true
	default:
		return false
	}
}

// setSinks replaces the subscriptions, which are in the order of their gates' IDs. The caller holds mu.
func (b *Bus) setSinks(sinks []Sink) {
	b.sinks = sinks
	b.generation.Add(1)
	for _, r := range b.routes {
		r.setTargets(match(sinks, r.name))
	}
	b.changed.Tell()
}

// match returns the sinks that want the topic.
func match(sinks []Sink, topic string) []Sink {
	var matching []Sink
	for _, s := range sinks {
		if s.Match(topic) {
			matching = append(matching, s)
		}
	}
	return matching
}

// HandlerContext returns the context of the handlers of a subscription, inside the module. The bus recognises a publish from
// a handler by it.
func (b *Bus) HandlerContext(s Sink) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.WithValue(b.ctx, handlerKey{}, s.Gate()))
}

type handlerKey struct{}

// handlerOf returns the gate of the handler of this bus that ctx belongs to, nil if there is none.
func (b *Bus) handlerOf(ctx context.Context) *lane.Gate {
	if g, _ := ctx.Value(handlerKey{}).(*lane.Gate); g != nil && g.Graph == &b.graph {
		return g
	}
	return nil
}
