package bus_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// subscribe makes a subscription, unless the bus ends.
func (w *world) subscribe(s spec) *tracked {
	w.mu.Lock()
	m := &tracked{spec: s, w: w, name: fmt.Sprintf("s%d", len(w.subs)), selects: selectorOf[item](s.Selector), finished: make(chan struct{})}
	key := m.name
	if s.Group != "" {
		key = s.Group
	}
	if m.share = w.shares[key]; m.share == nil {
		m.share = &share{name: key, got: map[int]bool{}, last: map[string]int{}, busy: map[string]int{}, owner: map[string]*tracked{}}
		m.share.serial = s.Group == "" && s.Workers == 1 && s.Kind != inline
		m.share.keyed = s.Kind != inline && !m.share.serial
		m.share.perKey = m.share.keyed || s.Overflow == bus.Latest
		w.shares[key] = m.share
	}
	m.share.joining++
	m.opening = w.now()
	w.subs = append(w.subs, m)
	w.mu.Unlock()

	var err error
	switch s.Type {
	case 0:
		err = begin(m, func(i item) (int, int) { return i.ID, i.Hops })
	case 1:
		err = begin(m, func(i foreign) (int, int) { return i.ID, i.Hops })
	default:
		err = begin(m, func(mistyped) (int, int) { return -1, 0 })
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	m.open = w.now()
	m.share.joining--
	m.share.moved = m.share.moved || len(w.events) > 0
	switch {
	case err == nil:
		m.share.members++
	case !w.ending || !errors.Is(err, bus.ErrClosed):
		w.t.Errorf("subscribing %+v: %v", s, err)
	}
	return m
}

// begin subscribes as one Go type.
func begin[T any](m *tracked, fields func(T) (id, hops int)) error {
	sel := selectorOf[T](m.Selector)
	o := subscriber.Options{Name: m.name, Workers: m.Workers, Queue: m.Queue, Overflow: m.Overflow, BlockTimeout: m.Timeout, Group: m.Group}
	if m.Chain {
		o.Middleware = []bus.Middleware{bus.Wrap("through", func(next bus.Handler) bus.Handler { return next })}
	}
	look := func(e topic.Event[T]) sight {
		id, hops := fields(e.Value)
		return sight{id: id, hops: hops, topic: e.Topic(), key: e.Key(), seq: int(e.Seq())}
	}
	var s *subscriber.Subscription
	var err error
	switch m.Kind {
	case batch:
		s, err = subscriber.Batch(m.w.bus, sel, func(ctx context.Context, all []topic.Event[T]) error {
			sights := make([]sight, len(all))
			for i := range all {
				sights[i] = look(all[i])
			}
			return m.handle(ctx, sights...)
		}, &subscriber.BatchOptions{Options: o, Size: m.Size, Linger: m.Linger})
	case loop:
		beginLoop(m, sel, o, look)
	default:
		if o.Inline = m.Kind == inline; o.Inline {
			o.Workers, o.Queue, o.Overflow, o.BlockTimeout = 0, 0, 0, 0
		}
		s, err = subscriber.New(m.w.bus, sel, func(ctx context.Context, e topic.Event[T]) error { return m.handle(ctx, look(e)) }, &o)
	}
	if s != nil {
		m.sub.Store(s)
	}
	return err
}

// beginLoop subscribes with a loop. Its subscription is not known, but what it yields is.
func beginLoop[T any](m *tracked, sel topic.Selector[T], o subscriber.Options, look func(topic.Event[T]) sight) {
	var ctx context.Context
	ctx, m.cancel = context.WithCancel(context.Background())
	o.Workers = 0
	go func() {
		defer close(m.finished)
		defer m.cancel()
		for e, err := range subscriber.Events(ctx, m.w.bus, sel, &o) {
			var bad *bus.DecodeError
			switch {
			case err == nil:
				_ = m.handle(ctx, look(e))
			case errors.As(err, &bad) && m.Type == 2:
			case errors.Is(err, bus.ErrClosed) || errors.Is(err, ctx.Err()):
			default:
				m.w.t.Errorf("%s: %v", m.name, err)
			}
		}
	}()
}
