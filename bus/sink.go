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
	b.changeSinks(s, func(sinks []Sink) []Sink { return append(sinks[:len(sinks):len(sinks)], s) })
	return nil
}

// Detach takes a subscription, which is closed, off the bus, inside the module.
func (b *Bus) Detach(s Sink) error {
	rest, found := b.detach(s)
	if !found || b.transport == nil {
		return nil
	}
	b.tracker.forget(s.Match, func(topic string) bool { return slices.ContainsFunc(rest, func(s Sink) bool { return s.Match(topic) }) })
	if b.state.Load() == closed {
		return nil // and the transport with it
	}
	return b.transport.Unsubscribe(s.WirePrefix())
}

// detach takes s off and returns the others.
func (b *Bus) detach(s Sink) (rest []Sink, found bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.sinks, s) {
		return nil, false
	}
	b.changeSinks(s, func(sinks []Sink) []Sink {
		return slices.DeleteFunc(slices.Clone(sinks), func(other Sink) bool { return other == s })
	})
	b.leaving = slices.DeleteFunc(append(b.leaving, s.Gate()), ended)
	return b.sinks, true
}

// changeSinks lets change make new lists of the subscriptions, of the bus and of each route that s matches. The caller holds mu.
func (b *Bus) changeSinks(s Sink, change func([]Sink) []Sink) {
	b.sinks = change(b.sinks)
	b.generation.Add(1)
	for name, r := range b.routes {
		if s.Match(name) {
			r.retarget(change)
		}
	}
	b.changed.Tell()
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

// HandlerContext returns ctx as the context of the handlers that caller calls, inside the module. The bus recognises a publish from a
// handler by it.
func HandlerContext(ctx context.Context, caller *lane.Caller) context.Context {
	return context.WithValue(ctx, handlerKey{}, caller)
}

type handlerKey struct{}

// handlerOf returns the caller of the handler of this bus that ctx belongs to, nil if there is none.
func (b *Bus) handlerOf(ctx context.Context) *lane.Caller {
	if c, _ := ctx.Value(handlerKey{}).(*lane.Caller); c != nil && c.Gate.Graph == &b.graph {
		return c
	}
	return nil
}

// Context ends with the bus, inside the module: handlers' contexts derive from it.
func (b *Bus) Context() context.Context { return b.ctx }
