package publisher

import (
	"context"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/topic"
)

// ownedSize is the payload size from which handing a fresh buffer to the transport is cheaper than having it copied.
const ownedSize = 16 << 10

// targets are those of the route, by how events of one Go type reach them.
type targets[T any] struct {
	of      *bus.Targets
	logs    []*lane.Log[topic.Event[T]]
	queues  []*lane.Queue[topic.Event[T]]
	inlines inlines[T]
	foreign []bus.Lane // those of another Go type
	strange inlines[T]
	encodes bool
	only    *lane.Log[topic.Event[T]] // the one target, if it is one log
}

// sort splits all targets. The caller has acquired the route.
func (p *Publisher[T]) sort(all *bus.Targets) {
	p.targets = targets[T]{of: all}
	for _, l := range all.Lanes {
		switch l := l.(type) {
		case interface {
			Log() *lane.Log[topic.Event[T]]
		}:
			p.targets.logs = append(p.targets.logs, l.Log())
		case interface {
			Queue() *lane.Queue[topic.Event[T]]
		}:
			p.targets.queues = append(p.targets.queues, l.Queue())
		default:
			p.targets.foreign = append(p.targets.foreign, l)
		}
	}
	for _, i := range all.Inlines {
		if own, ok := i.(caller[T]); ok {
			p.targets.inlines = append(p.targets.inlines, inline[T]{i.State(), own})
		} else {
			p.targets.strange = append(p.targets.strange, inline[T]{i.State(), encoded[T]{i}})
		}
	}
	p.targets.encodes = p.remote || len(p.targets.foreign)+len(p.targets.strange) > 0
	p.encodes.Store(p.targets.encodes)
	if len(p.targets.logs) == 1 && len(all.Lanes)+len(all.Inlines) == 1 && !p.targets.encodes && !p.unnumbered && p.retained == nil {
		p.targets.only = p.targets.logs[0]
	}
}

// acquire is Route.Acquire, with the targets sorted.
func (p *Publisher[T]) acquire(ctx context.Context) (*bus.Targets, error) {
	all, err := p.route.Acquire(ctx, p.local)
	if err == nil && all != p.targets.of {
		p.sort(all)
	}
	return all, err
}

// deliver appends e to every target of the route. Nothing here keeps e, or lets it escape: on the typed path an event is
// copied from the caller's stack into the queues and costs no allocation.
func (p *Publisher[T]) deliver(ctx context.Context, e *topic.Event[T]) error {
	if p.encodes.Load() {
		return p.deliverEncoded(ctx, e)
	}
	all, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	if l := p.targets.only; l != nil { // what most publishers have: 2 ns of 35
		seq := p.route.Number(all)
		if slot := l.Append(e); slot != nil {
			slot.Meta().Seq = seq
		}
		e.Meta().Seq = seq
		p.route.Release(all)
		return nil
	}
	if p.targets.encodes { // the first foreign target came after we looked
		p.route.Release(all)
		return p.deliverEncoded(ctx, e)
	}
	if len(p.targets.inlines) > 0 {
		return p.deliverInline(ctx, all, e)
	}
	p.append(e, p.number(all))
	p.route.Release(all)
	return nil
}

// deliverInline is deliver where there are inline subscriptions. It releases the route that was acquired.
func (p *Publisher[T]) deliverInline(ctx context.Context, all *bus.Targets, e *topic.Event[T]) error {
	c := p.callers.of(ctx, p.bus)
	if c.TooDeep() {
		p.route.Release(all)
		return &bus.RecursionError{Topic: p.topic.String()}
	}
	p.append(e, p.number(all))
	calls := p.targets.inlines.begin()
	p.route.Release(all)
	if len(calls) == 1 { // each call on the way copies the event
		return calls[0].caller.Call(c, *e)
	}
	return calls.call(c, *e)
}

// number returns the number of the next event, which stays on this bus: 0 if others, which peers see, have numbers.
func (p *Publisher[T]) number(all *bus.Targets) uint64 {
	if p.unnumbered {
		p.route.Unnumbered(all)
		return 0
	}
	return p.route.Number(all)
}

// append puts e into the lanes of its own type. The number goes into the copies: writing it to e and copying e right after that costs 14 ns,
// as the processor cannot read across a write that is still under way.
func (p *Publisher[T]) append(e *topic.Event[T], seq uint64) {
	for _, l := range p.targets.logs {
		if slot := l.Append(e); slot != nil {
			slot.Meta().Seq = seq
		}
	}
	for _, q := range p.targets.queues {
		if slot := q.Append(e); slot != nil {
			slot.Meta().Seq = seq
		}
	}
	e.Meta().Seq = seq
	if p.retained != nil {
		p.retained.keep(e)
	}
}

// deliverEncoded is deliver where some target needs the event encoded: the transport, or a subscription of another Go type.
func (p *Publisher[T]) deliverEncoded(ctx context.Context, e *topic.Event[T]) error {
	b, err := p.encode(e)
	if err != nil {
		return err
	}
	defer p.free(b)
	c := p.callers.of(ctx, p.bus)
	own, strange, err := p.distribute(ctx, e, b, c)
	if err != nil {
		return err
	}
	if len(strange) > 0 {
		return callBoth(c, own, strange, *e, b.keep())
	}
	return own.call(c, *e)
}

// distribute sends e and appends it to all lanes. It returns the inline handlers that are still to be called.
func (p *Publisher[T]) distribute(ctx context.Context, e *topic.Event[T], b *body, c *bus.InlineCaller) (own, strange inlines[T], err error) {
	all, err := p.acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.route.Release(all)
	if len(all.Inlines) > 0 && c.TooDeep() {
		return nil, nil, &bus.RecursionError{Topic: p.topic.String()}
	}
	if err := p.send(all, e, b); err != nil {
		return nil, nil, err
	}
	p.append(e, e.Meta().Seq)
	if len(p.targets.foreign) > 0 {
		m := *e.Meta()
		m.SetEncoded(b.keep())
		for _, l := range p.targets.foreign {
			l.Deliver(&m)
		}
	}
	return p.targets.inlines.begin(), p.targets.strange.begin(), nil
}

// send numbers e and hands it to the transport, if it is for that.
func (p *Publisher[T]) send(all *bus.Targets, e *topic.Event[T], b *body) error {
	if !p.remote {
		e.Meta().Seq = p.number(all)
		return nil
	}
	return p.route.Send(e.Meta(), b.encoded, bus.SendOptions{Plain: p.plain, Owned: b.lend(), Retain: p.retain})
}
