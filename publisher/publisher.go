package publisher

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/topic"
)

// Options are how a publisher works.
type Options struct {
	// Plain leaves the envelope out, for ZeroMQ peers that are not ours: they get the topic and the payload. Receivers then know
	// neither source nor sequence, headers or key. On a bus with a transport such events have no sequence, here either.
	// Default: false.
	Plain bool
	// Local keeps events on this bus: they do not go to the transport. On a bus with a transport they have no sequence. Default: false.
	Local bool
	// Remote hands events to the transport alone: the subscriptions of this bus do not get them. Default: false.
	Remote bool
	// Retain keeps the last event for those who subscribe later, on this bus and on peers of ours: they get it before all others.
	// Plain events are retained for this bus alone. Of several publishers of a topic, each keeps its own for this bus; peers get the last
	// of all, or of each key. Default: [RetainNone].
	Retain Retain
	// RetainedKeys is how many keys [RetainKeys] keeps events of, at most; then the key that was published to least recently is
	// forgotten. 1 to 1,048,576. Default: 4096.
	RetainedKeys int
	// Middleware wraps what is published, the first one outermost, inside of bus.Options.Publish.
	Middleware []bus.Middleware
}

// Publisher publishes events of one Go type to one topic. All methods may be called concurrently, and from handlers.
type Publisher[T any] struct {
	bus          *bus.Bus
	route        *bus.Route
	topic        topic.Topic[T]
	codec        codec.Codec
	frames       codec.Frames   // nil if the codec makes one piece
	key          func(T) string // nil without keys
	plain        bool
	keyed        *envelope.Origin // of events without attributes
	attributed   *envelope.Origin // of events with attributes
	party        bus.Party
	chain        bus.Handler // middleware around deliver; nil without middleware
	publications sync.Pool   // of *publication[T], for the chain
	bodies       sync.Pool   // of *body

	local, remote bool         // where events go
	unnumbered    bool         // they have no number
	retain        int          // how many keys the transport keeps events of
	retained      *retained[T] // nil unless events are kept for this bus
	callers       callers      // what inline handlers are called with
	encodes       atomic.Bool  // events have to be encoded: there is a transport or a foreign target
	targets       targets[T]   // guarded by the route's lock
}

// publication is an event on its way through the publish chain.
type publication[T any] struct {
	event   topic.Event[T]
	message *bus.Message
}

// New returns a publisher of t on b. nil options mean the defaults. It returns a [*bus.OptionError] for a topic that was not made
// by package topic and for options outside their limits, a [*bus.OrderError] for middleware in an order that cannot work, a
// [*bus.UnsupportedError] for what the transport cannot do, and [bus.ErrClosed] when the bus is closed.
func New[T any](b *bus.Bus, t topic.Topic[T], o *Options) (*Publisher[T], error) {
	if t.String() == "" || t.Codec() == nil {
		return nil, &bus.OptionError{Field: "publisher.New topic", Value: t.String(), Limit: "one made by package topic, with a codec"}
	}
	if contentType, limit := t.Codec().ContentType(), maxContentType/2; len(contentType) > limit {
		return nil, &bus.OptionError{Field: "content type of the topic's codec", Value: contentType, Limit: "at most 256 bytes"}
	}
	var options Options
	if o != nil {
		options = *o
	}
	if err := options.check(b); err != nil {
		return nil, err
	}
	p, err := newPublisher(b, t, &options)
	if err != nil {
		return nil, err
	}
	route, err := b.Route(t.String())
	if err != nil {
		return nil, err
	}
	p.enter(route, &options)
	return p, nil
}

// newPublisher returns a publisher with options that were checked. It has still to enter its route.
func newPublisher[T any](b *bus.Bus, t topic.Topic[T], options *Options) (p *Publisher[T], err error) {
	p = &Publisher[T]{bus: b, topic: t, codec: t.Codec(), frames: codec.FramesOf(t.Codec()), key: t.KeyFunc()}
	contentType := t.Codec().ContentType()
	p.attributed = &envelope.Origin{Topic: t.String(), Source: b.Source(), ContentType: contentType}
	keyed := *p.attributed
	keyed.Keyed = true
	p.keyed = &keyed
	p.plain = options.Plain
	p.party = bus.Party{Bus: b, Role: bus.RolePublisher, Name: t.String()}
	p.local, p.remote = !options.Remote, b.Transport() != nil && !options.Local
	p.unnumbered = b.Transport() != nil && options.Local
	p.encodes.Store(p.remote)
	p.chain, err = b.Chain(p.party.Role, "publisher.Options.Middleware", options.Middleware, p.innermost)
	return p, err
}

// enter gives the publisher its route, and keeps there what it retains.
func (p *Publisher[T]) enter(r *bus.Route, options *Options) {
	p.route = r
	p.keep(options)
}

// Publish delivers v to every subscription of the topic, and hands it to the transport if there is one. It returns when the event
// is in every queue, not when it was handled.
//
// It waits while a subscription that blocks has no room, until ctx ends. It returns ctx's error, [bus.ErrClosed], a [*bus.FullError] when
// a subscription fails or has let it wait for long enough, a [*bus.CycleError] when waiting could never end, a [*bus.RecursionError], an
// [*AttributeError], the error of a publish middleware, of the topic's codec, or of the transport. After such an error no subscription of
// the bus has got the event, unless a publish middleware fails after having handed it on. A [*bus.InlineError] comes from an inline
// subscription: the event was delivered. The value belongs to the bus from now on.
func (p *Publisher[T]) Publish(ctx context.Context, v T, attributes ...Attribute) error {
	e := topic.Event[T]{Value: v}
	m := e.Meta()
	m.Origin, m.Time = p.keyed, p.bus.Now()
	if p.key != nil {
		m.Text = p.key(v)
	}
	if len(attributes) > 0 {
		text, err := encode(m.Text, attributes)
		if err != nil {
			return p.route.Refused(err)
		}
		m.Origin, m.Text = p.attributed, text
	}
	return p.publish(ctx, &e)
}

// publish takes e through the chain, if there is one.
func (p *Publisher[T]) publish(ctx context.Context, e *topic.Event[T]) error {
	err := checkSize(e.Meta().Text)
	switch {
	case err != nil:
	case p.chain == nil:
		err = p.deliver(ctx, e)
	default:
		err = p.deliverThroughChain(ctx, e)
	}
	if err != nil && !p.delivered(err) {
		return p.route.Refused(err)
	}
	return err
}

// delivered reports whether err comes from inline handlers of the event, and not of another that a middleware has published.
func (p *Publisher[T]) delivered(err error) bool {
	var inline *bus.InlineError
	return errors.As(err, &inline) && inline.Topic == p.topic.String()
}

// PublishBatch publishes each of values as Publish does, in order, all with the same attributes. It stops at the first one that is not
// accepted, and returns how many were accepted before it. Errors of inline subscriptions do not stop it: they are joined.
func (p *Publisher[T]) PublishBatch(ctx context.Context, values []T, attributes ...Attribute) (n int, err error) {
	for _, v := range values {
		failed := p.Publish(ctx, v, attributes...)
		err = errors.Join(err, failed)
		if failed != nil && !p.delivered(failed) {
			return n, err
		}
		n++
	}
	return n, err
}

// WaitSubscribers waits until the topic has n subscribers: matching subscriptions of the same bus, and connected peers that are
// subscribed to a prefix of the topic. When ctx ends first, the error is a [*bus.NotReadyError]; after the end of the bus it is
// [bus.ErrClosed].
func (p *Publisher[T]) WaitSubscribers(ctx context.Context, n int) error {
	return p.route.WaitSubscribers(ctx, n, p.local, p.remote)
}

// Topic returns the topic that is published to.
func (p *Publisher[T]) Topic() topic.Topic[T] { return p.topic }

// deliverThroughChain takes e through the publish middleware.
func (p *Publisher[T]) deliverThroughChain(ctx context.Context, e *topic.Event[T]) error {
	pub, _ := p.publications.Get().(*publication[T])
	if pub == nil {
		pub = &publication[T]{message: bus.NewMessage(&p.party, p.codec)}
	}
	pub.event = *e
	pub.message.Reset(pub.event.Meta(), &pub.event, &pub.event.Value)
	err := p.chain(ctx, pub.message)
	pub.event = topic.Event[T]{}
	p.publications.Put(pub)
	return err
}

// innermost is the end of the publish chain, whose middleware may have set headers.
func (p *Publisher[T]) innermost(ctx context.Context, m *bus.Message) error {
	if err := checkSize(m.Meta().Text); err != nil {
		return err
	}
	return p.deliver(ctx, m.Event().(*topic.Event[T]))
}
