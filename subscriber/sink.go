package subscriber

import (
	"bytes"
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
	handler  func(context.Context, topic.Event[T]) error
	chain    bus.Handler     // middleware around handler; nil without middleware
	ctx      context.Context // the workers' contexts derive from it
	cancel   context.CancelFunc
	// newHandler makes a worker of the kind that the subscription has.
	newHandler func() lane.Handler[topic.Event[T]]
	batches    *lane.Batch // nil: one event at a time
	// undecodable, if not nil, gets events whose payload does not decode instead of their failing.
	undecodable func(ctx context.Context, err error) error
	place
}

// place is where the events of a sink wait, if they do.
type place struct {
	member *lane.Member
	lane   bus.Lane
	inline bus.Inline
	// attached is called when events are about to come, with those that the topics retain.
	attached func(retained []bus.Retained)
	begun    func() // called after that without locks; may be nil
	close    func()
}

// newSink returns a sink with the handler that kind gives it.
func newSink[T any](b *bus.Bus, sel topic.Selector[T], o *Options, site uintptr, kind func(*sink[T])) (*sink[T], error) {
	s := &sink[T]{bus: b, selector: sel, codec: sel.Codec()}
	s.newHandler = func() lane.Handler[topic.Event[T]] { return s.newWorker() }
	s.ctx, s.cancel = context.WithCancel(b.Context())
	kind(s)
	if chain := slices.Concat(b.SubscribeChain(), o.Middleware); len(chain) > 0 {
		s.chain = bus.Chain(s.innermost, chain...)
	}
	remote := b.Transport() != nil
	c := lane.Config{Name: o.Name, Site: site, Graph: b.Graph(), Roster: b.Roster(), Workers: o.Workers, Capacity: o.Queue, Timeout: o.BlockTimeout, Batch: s.batches}
	c.Local, c.Remote = o.policies(remote)
	var err error
	switch {
	case o.Inline:
		s.place = s.placeInline(c)
	case o.plain(remote) && s.batches == nil:
		s.place = s.placeInLog(c)
	case o.Group != "":
		s.place, err = s.placeInGroup(c, o.Group)
	default:
		s.place = s.placeInQueue(c)
	}
	if err != nil {
		s.cancel()
	}
	return s, err
}

// placeInLog makes the sink a reader of the log of its topic, which all plain subscriptions of the same type share, or of one of its own.
func (s *sink[T]) placeInLog(c lane.Config) place {
	l, release := &logLane[T]{bare: newBare(s.selector)}, func() {}
	if name, exact := s.selector.Selector().Name(); exact {
		lock, unlock := s.bus.RouteLock(name)
		shared, unshare := s.bus.Share(logKey[T]{name}, func() any {
			return &logLane[T]{log: lane.NewLog[topic.Event[T]](s.bus.NextID(), lock)}
		})
		l, release = shared.(*logLane[T]), func() { unshare(); unlock() }
	} else {
		l.log = lane.NewLog[topic.Event[T]](s.bus.NextID(), nil)
	}
	r := lane.NewReader(l.log, c, s.newHandler)
	return place{
		member: &r.Member,
		lane:   l,
		attached: func(retained []bus.Retained) {
			l.log.Lock()
			defer l.log.Unlock()
			r.Join(events[T](retained))
		},
		close: func() { r.Close(); release() },
	}
}

// logKey is what a log is shared under.
type logKey[T any] struct{ topic string }

// placeInQueue gives the sink a queue of its own.
func (s *sink[T]) placeInQueue(c lane.Config) place {
	l := s.newQueueLane(c, c.Workers > 1)
	m := l.queue.Join(c, s.newHandler)
	return place{
		member:   &m.Member,
		lane:     l,
		attached: func(retained []bus.Retained) { l.queue.Retained(events[T](retained)) },
		close:    m.Close,
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
	return &queueLane[T]{lane.NewQueue(c, traits), newBare(s.selector)}
}

// events returns what is retained, oldest first for each topic.
func events[T any](retained []bus.Retained) (all []topic.Event[T]) {
	for _, r := range retained {
		if own, ok := r.(interface{ Events() []topic.Event[T] }); ok {
			all = append(all, own.Events()...)
			continue
		}
		for _, m := range r.Encoded() {
			all = append(all, topic.FromMeta(*new(T), m))
		}
	}
	return all
}

func (s *sink[T]) Selector() match.Selector         { return s.selector.Selector() }
func (s *sink[T]) Member() *lane.Member             { return s.member }
func (s *sink[T]) Lane() bus.Lane                   { return s.lane }
func (s *sink[T]) Inline() bus.Inline               { return s.inline }
func (s *sink[T]) Attached(retained []bus.Retained) { s.attached(retained) }

func (s *sink[T]) Close() {
	s.cancel()
	s.close()
}

// innermost is the end of the middleware chain: the handler, with the value decoded.
func (s *sink[T]) innermost(ctx context.Context, m *bus.Message) error {
	e := m.Event().(*topic.Event[T])
	if m.Stale() {
		if err := s.decode(ctx, e); err != nil {
			return err
		}
		m.Fresh()
	}
	return s.handler(ctx, *e)
}

// decode sets the value of e from its payload.
func (s *sink[T]) decode(ctx context.Context, e *topic.Event[T]) error {
	meta := e.Meta()
	src := meta.Payload.Frames[0]
	if len(meta.Payload.Frames) > 1 {
		src = bytes.Join(meta.Payload.Frames, nil)
	}
	e.Value = *new(T)
	err := s.codec.Decode(src, &e.Value)
	if err == nil {
		return nil
	}
	err = bus.NewDecodeError(meta, s.codec.ContentType(), typeName[T](), err)
	if s.undecodable != nil {
		return s.undecodable(ctx, err)
	}
	return err
}
