package subscriber

import (
	"cmp"
	"context"
	"slices"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/internal/match"
	"github.com/fanfare-go/fanfare/topic"
)

// sink is a subscription to events of one Go type. It is a bus.Sink.
type sink[T any] struct {
	bus      *bus.Bus
	selector topic.Selector[T]
	codec    codec.Codec
	decoder  bus.Decoder
	handler  func(context.Context, topic.Event[T]) error
	party    bus.Party
	chain    bus.Handler // middleware around handler; nil without middleware
	ctx      lifetime
	// newHandler makes a worker of the kind that the subscription has.
	newHandler func() lane.Handler[topic.Event[T]]
	batches    *lane.Batch // nil: one event at a time
	// undecodable, if not nil, gets events whose payload does not decode instead of their failing.
	undecodable func(ctx context.Context, err error) error
	place
}

// place is where the events of a sink wait, if they do.
type place interface {
	Member() *lane.Member
	Lane() bus.Lane
	Inline() bus.Inline
	Attached(retained []bus.Retained)
	// begun is called after that, without locks.
	begun()
	close()
}

// newSink returns a sink with the handler that kind gives it.
func newSink[T any](b *bus.Bus, sel topic.Selector[T], o *Options, site uintptr, kind func(*sink[T])) (*sink[T], error) {
	s := &sink[T]{bus: b, selector: sel, codec: sel.Codec(), decoder: bus.NewDecoder(sel.Codec()), party: bus.Party{Bus: b, Role: bus.RoleSubscriber, Name: o.Name}}
	s.newHandler = func() lane.Handler[topic.Event[T]] { return s.newWorker() }
	kind(s)
	var err error
	if s.chain, err = b.Chain(s.party.Role, middlewareField, o.Middleware, s.innermost); err != nil {
		return nil, err
	}
	remote := b.Transport() != nil
	c := lane.Config{Name: o.Name, Site: site, Graph: b.Graph(), Roster: b.Roster(), Workers: o.Workers, Capacity: o.Queue, Timeout: o.BlockTimeout, Batch: s.batches}
	c.Local, c.Remote = o.policies(remote)
	switch {
	case o.Inline:
		s.place = s.placeInline(c)
	case o.plain(remote) && s.batches == nil:
		s.place = s.placeInLog(c)
	case o.Group != "":
		err = s.placeInGroup(c, o)
	default:
		s.place = s.placeInQueue(c)
	}
	return s, err
}

// logPlace is that of a reader of the log of its topic, which all plain subscriptions of the same type share, or of one of its own. On a bus with
// a transport each has its own: peers send what they retain for one of them.
type logPlace[T any] struct {
	*lane.Reader[topic.Event[T]]
	log   *logLane[T]
	route *bus.Route // nil if the log is its own
}

func (s *sink[T]) placeInLog(c lane.Config) place {
	p := &logPlace[T]{}
	if name, exact := s.selector.Selector().Name(); exact && s.bus.Transport() == nil {
		p.route = s.bus.Join(name)
		p.log = p.route.Shared(
			func(l any) bool { _, ok := l.(*logLane[T]); return ok },
			func() any {
				return &logLane[T]{log: lane.NewLog[topic.Event[T]](s.bus.NextID(), p.route.Lock())}
			}).(*logLane[T])
	} else {
		p.log = &logLane[T]{lane.NewLog[topic.Event[T]](s.bus.NextID(), nil), newBare(s.selector)}
	}
	p.Reader = lane.NewReader(p.log.log, c, s.newHandler)
	return p
}

func (p *logPlace[T]) Member() *lane.Member { return &p.Reader.Member }
func (p *logPlace[T]) Lane() bus.Lane       { return p.log }
func (p *logPlace[T]) Inline() bus.Inline   { return nil }
func (p *logPlace[T]) begun()               {}

func (p *logPlace[T]) Attached(retained []bus.Retained) {
	p.log.log.Lock()
	defer p.log.log.Unlock()
	p.Join(events[T](retained))
}

func (p *logPlace[T]) close() {
	p.Close()
	if p.route != nil {
		p.route.Leave()
	}
}

// queuePlace is that of a sink with a queue, of its own or of its group.
type queuePlace[T any] struct {
	*lane.Consumer[topic.Event[T]]
	queue   *queueLane[T]
	release func() // leaves the group; nil without one
}

func (s *sink[T]) placeInQueue(c lane.Config) place {
	l := s.newQueueLane(c, c.Workers > 1)
	p := &queuePlace[T]{Consumer: lane.NewConsumer(l.queue, c, s.newHandler), queue: l}
	p.Join()
	return p
}

func (p *queuePlace[T]) Member() *lane.Member { return &p.Consumer.Member }
func (p *queuePlace[T]) Lane() bus.Lane       { return p.queue }
func (p *queuePlace[T]) Inline() bus.Inline   { return nil }
func (p *queuePlace[T]) begun()               {}

func (p *queuePlace[T]) Attached(retained []bus.Retained) {
	if !p.queue.attached { // otherwise others of the group have got it
		p.queue.attached = true
		p.queue.queue.Retained(events[T](retained))
	}
}

func (p *queuePlace[T]) close() {
	p.Close()
	if p.release != nil { // after it: whoever comes next begins another queue, and no event may go to both
		p.release()
	}
}

func (s *sink[T]) newQueueLane(c lane.Config, keyed bool) *queueLane[T] {
	traits := lane.Traits[topic.Event[T]]{
		Keyed: keyed,
		Key:   func(e *topic.Event[T]) string { return e.Meta().Key() },
		Topic: func(e *topic.Event[T]) string { return e.Meta().Origin.Topic },
	}
	if c.Local == lane.Block && c.Remote != lane.Block { // nothing that was published under Block is dropped for an event from a transport
		traits.Droppable = func(e *topic.Event[T]) bool { return e.Meta().Origin.Remote }
	}
	c.ID = s.bus.NextID()
	return &queueLane[T]{queue: lane.NewQueue(c, traits), bare: newBare(s.selector)}
}

// events returns what is retained, in the order in which it was published.
func events[T any](retained []bus.Retained) []topic.Event[T] {
	var all []bus.Kept[topic.Event[T]]
	for _, r := range retained {
		if own, ok := r.(interface {
			Events() []bus.Kept[topic.Event[T]]
		}); ok {
			all = append(all, own.Events()...)
			continue
		}
		for _, k := range r.Encoded() {
			all = append(all, bus.Kept[topic.Event[T]]{Event: topic.FromMeta(*new(T), k.Event), Nth: k.Nth})
		}
	}
	slices.SortFunc(all, func(a, b bus.Kept[topic.Event[T]]) int { return cmp.Compare(a.Nth, b.Nth) })
	events := make([]topic.Event[T], len(all))
	for i := range all {
		events[i] = all[i].Event
	}
	return events
}

func (s *sink[T]) Selector() match.Selector { return s.selector.Selector() }

// Close ends the queue before the contexts: a handler that returns at the end of its own is not to begin another event.
func (s *sink[T]) Close() {
	s.close()
	s.ctx.end()
}

// innermost is the end of the middleware chain: the handler, with the value decoded.
func (s *sink[T]) innermost(ctx context.Context, m *bus.Message) error {
	e := m.Event().(*topic.Event[T])
	if err := m.Decode(); err != nil {
		return s.failedToDecode(ctx, err)
	}
	return s.handler(ctx, *e)
}

// decode sets the value of e from its payload.
func (s *sink[T]) decode(ctx context.Context, e *topic.Event[T]) error {
	e.Value = *new(T)
	if err := s.decoder.Decode(e.Meta(), e.Meta().Encoded(), &e.Value); err != nil {
		return s.failedToDecode(ctx, err)
	}
	return nil
}

// failedToDecode returns what the error of a payload means for its event.
func (s *sink[T]) failedToDecode(ctx context.Context, err error) error {
	if s.undecodable != nil {
		return s.undecodable(ctx, err)
	}
	return err
}
