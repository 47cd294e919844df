package subscriber

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/topic"
)

// sink is a subscription to events of one Go type. It is a bus.Sink.
type sink[T any] struct {
	bus      *bus.Bus
	selector topic.Selector[T]
	codec    codec.Codec
	handler  func(context.Context, topic.Event[T]) error
	chain    bus.Handler // middleware around handler; nil without middleware
	bare     *envelope.Origin
	queue    *lane.Queue[topic.Event[T]]
	ctx      context.Context // the workers' contexts derive from it
	cancel   context.CancelFunc
	release  func() // gives back the route's lock
}

func newSink[T any](b *bus.Bus, sel topic.Selector[T], handler func(context.Context, topic.Event[T]) error, o Options) *sink[T] {
	s := &sink[T]{bus: b, selector: sel, codec: sel.Codec(), handler: handler, release: func() {}}
	if prefix, ok := sel.(topic.Prefix[T]); ok {
		s.bare = &envelope.Origin{Topic: prefix.String(), Remote: true}
	}
	if chain := slices.Concat(b.SubscribeChain(), o.Middleware); len(chain) > 0 {
		s.chain = bus.Chain(s.innermost, chain...)
	}
	local, remote := policies(o.Overflow, b.Remote())
	var droppable func(*topic.Event[T]) bool
	if local == lane.Block { // nothing that was published under Block is dropped for an event from a transport
		droppable = func(e *topic.Event[T]) bool { return e.Meta().Origin.Remote }
	}
	c := lane.Config{Name: o.Name, Graph: b.Graph(), Workers: o.Workers, Capacity: o.Queue, Local: local, Remote: remote}
	if exact, ok := sel.(topic.Topic[T]); ok {
		lock, release := b.RouteLock(exact.String())
		c.Route, s.release = lock, sync.OnceFunc(release)
	}
	s.queue = lane.NewQueue(c, s.newWorker, droppable)
	s.ctx, s.cancel = context.WithCancel(b.Context())
	return s
}

func (s *sink[T]) Match(name string) bool             { return s.selector.Match(name) }
func (s *sink[T]) WirePrefix() string                 { return s.selector.WirePrefix() }
func (s *sink[T]) Gate() *lane.Gate                   { return &s.queue.Gate }
func (s *sink[T]) Queue() *lane.Queue[topic.Event[T]] { return s.queue }

// Bare takes messages without a topic if the selector is a prefix that they begin with.
func (s *sink[T]) Bare(payload []byte) *envelope.Origin {
	if s.bare == nil || !bytes.HasPrefix(payload, []byte(s.bare.Topic)) {
		return nil
	}
	return s.bare
}

func (s *sink[T]) Deliver(m *envelope.Meta) {
	e := topic.FromMeta(*new(T), *m)
	s.queue.Append(&e)
}

func (s *sink[T]) Offer(m *envelope.Meta) bool {
	e := topic.FromMeta(*new(T), *m)
	return s.queue.Offer(&e)
}

func (s *sink[T]) Close() {
	s.cancel()
	s.queue.Close()
	s.release()
}

// innermost is the end of the middleware chain: the handler, with the value decoded.
func (s *sink[T]) innermost(ctx context.Context, m *bus.Message) error {
	e := m.Event().(*topic.Event[T])
	if m.Stale() {
		if err := s.decode(e); err != nil {
			return err
		}
		m.Fresh()
	}
	return s.handler(ctx, *e)
}

// decode sets the value of e from its payload.
func (s *sink[T]) decode(e *topic.Event[T]) error {
	meta := e.Meta()
	src := meta.Payload.Frames[0]
	if len(meta.Payload.Frames) > 1 {
		src = bytes.Join(meta.Payload.Frames, nil)
	}
	e.Value = *new(T)
	if err := s.codec.Decode(src, &e.Value); err != nil {
		return bus.NewDecodeError(meta, s.codec.ContentType(), typeName[T](), err)
	}
	return nil
}
