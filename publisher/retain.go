package publisher

import (
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Retain says which events are kept for those who subscribe later.
type Retain uint8

const (
	// RetainNone keeps none.
	RetainNone Retain = iota
	// RetainLast keeps the last event.
	RetainLast
	// RetainKeys keeps the last event of each key.
	RetainKeys
)

const (
	defaultRetained = 4096
	maxRetained     = 1 << 20
)

// check returns an error for the first option outside its limits, or that b cannot fulfil.
func (o *Options) check(b *bus.Bus) error {
	switch {
	case o.Local && o.Remote:
		return &bus.OptionError{Field: "publisher.Options.Local and Remote", Value: true, Limit: "set one at a time"}
	case o.Remote && b.Transport() == nil:
		return &bus.OptionError{Field: "publisher.Options.Remote", Value: true, Limit: "false on a bus without transport"}
	case o.Retain > RetainKeys:
		return &bus.OptionError{Field: "publisher.Options.Retain", Value: uint8(o.Retain), Limit: "RetainNone, RetainLast or RetainKeys"}
	case o.RetainedKeys < 0 || o.RetainedKeys > maxRetained:
		return &bus.OptionError{Field: "publisher.Options.RetainedKeys", Value: o.RetainedKeys, Limit: fmt.Sprintf("1 to %d, or 0 for %d", maxRetained, defaultRetained)}
	}
	if _, able := b.Transport().(transport.Retainer); o.Retain != RetainNone && !able && !o.Local && !o.Plain && b.Transport() != nil {
		return &bus.UnsupportedError{Feature: "publisher.Options.Retain", Reason: "the transport cannot keep events for late joiners; with Local they are kept for this bus"}
	}
	return nil
}

// keep makes the publisher keep events as its options say.
func (p *Publisher[T]) keep(o *Options) {
	if o.Retain == RetainNone {
		return
	}
	limit := 1
	if o.Retain == RetainKeys {
		if limit = o.RetainedKeys; limit == 0 {
			limit = defaultRetained
		}
	}
	if p.remote && !p.plain {
		p.retain = limit
	}
	if p.local {
		p.retained = newRetained(p, o.Retain == RetainKeys, limit)
		p.route.Retain(p.retained)
	}
}

// retained are the events that a publisher keeps for those who subscribe later on its bus. The route's lock guards it.
type retained[T any] struct {
	publisher *Publisher[T]
	byKey     bool
	events    *simplelru.LRU[string, bus.Kept[topic.Event[T]]]
}

func newRetained[T any](p *Publisher[T], byKey bool, limit int) *retained[T] {
	// The only error of NewLRU is a size below one.
	events, _ := simplelru.NewLRU[string, bus.Kept[topic.Event[T]]](limit, nil)
	return &retained[T]{p, byKey, events}
}

func (r *retained[T]) keep(e *topic.Event[T]) {
	key := ""
	if r.byKey {
		key = e.Key()
	}
	r.events.Add(key, bus.Kept[topic.Event[T]]{Event: *e, Nth: r.publisher.bus.NextID()})
}

// Events returns the events, oldest first, for subscriptions of the publisher's own type.
func (r *retained[T]) Events() []bus.Kept[topic.Event[T]] { return r.events.Values() }

// Encoded is Events for subscriptions of another type. An event that does not encode was never published to any of them.
func (r *retained[T]) Encoded() []bus.Kept[envelope.Meta] {
	var all []bus.Kept[envelope.Meta]
	for _, kept := range r.events.Values() {
		e := &kept.Event
		b, err := r.publisher.encode(e)
		if err != nil {
			r.publisher.bus.Logger().Error().Err(err).Str("topic", e.Topic()).Uint64("seq", e.Seq()).Msg("retained event does not encode")
			continue
		}
		m := *e.Meta()
		m.SetEncoded(b.keep())
		r.publisher.free(b)
		all = append(all, bus.Kept[envelope.Meta]{Event: m, Nth: kept.Nth})
	}
	return all
}
