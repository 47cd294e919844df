package request

import (
	"context"
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
)

// passage is a request on its way through a middleware chain, and the reply that its end has left.
type passage[Req, Resp any] struct {
	event   topic.Event[Req]
	message *bus.Message
	reply   Resp
}

// passages keeps passages to use again, for one chain.
type passages[Req, Resp any] struct {
	codec codec.Codec
	chain bus.Handler // nil if there is none
	pool  sync.Pool   // of *passage[Req, Resp]
}

// passageKey is the key of the context by which the end of the chain finds the passage.
type passageKey struct{}

// init builds the chain around its end, if there is anything to build.
func (all *passages[Req, Resp]) init(c codec.Codec, innermost bus.Handler, chains ...[]bus.Middleware) {
	all.codec = c
	if chain := slices.Concat(chains...); len(chain) > 0 {
		all.chain = bus.Chain(innermost, chain...)
	}
}

// take takes a request through the chain.
func (all *passages[Req, Resp]) take(ctx context.Context, e topic.Event[Req]) (Resp, error) {
	p, _ := all.pool.Get().(*passage[Req, Resp])
	if p == nil {
		p = &passage[Req, Resp]{message: bus.NewMessage(all.codec)}
	}
	p.event = e
	p.message.Reset(p.event.Meta(), &p.event, &p.event.Value)
	err := all.chain(context.WithValue(ctx, passageKey{}, p), p.message)
	reply := p.reply
	p.event, p.reply = topic.Event[Req]{}, *new(Resp)
	all.pool.Put(p)
	return reply, err
}

// passageOf returns the passage of the context at the end of a chain.
func passageOf[Req, Resp any](ctx context.Context) (*passage[Req, Resp], error) {
	p, ok := ctx.Value(passageKey{}).(*passage[Req, Resp])
	if !ok {
		return nil, errContext
	}
	return p, nil
}
