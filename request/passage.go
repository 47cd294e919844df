package request

import (
	"context"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
)

// passage is a request that is decoded or encoded or on its way through a middleware chain, and the reply to it.
type passage[Req, Resp any] struct {
	event   topic.Event[Req]
	message *bus.Message // nil before the first chain
	reply   Resp
	payload encoding // of a request or reply that is encoded: memory to use again
}

// passages keeps passages to use again, for one server or client.
type passages[Req, Resp any] struct {
	codec   codec.Codec
	decoder bus.Decoder
	party   bus.Party
	chain   bus.Handler // nil if there is none
	pool    sync.Pool   // of *passage[Req, Resp]
}

// passageKey is the key of the context by which the end of the chain finds the passage.
type passageKey struct{}

// init builds the chain of a party around its end, if there is anything to build. field names its own list.
func (all *passages[Req, Resp]) init(p bus.Party, c codec.Codec, innermost bus.Handler, field string, own []bus.Middleware) (err error) {
	all.party, all.codec, all.decoder = p, c, bus.NewDecoder(c)
	all.chain, err = p.Bus.Chain(p.Role, field, own, innermost)
	return err
}

// take takes a request through the chain.
func (all *passages[Req, Resp]) take(ctx context.Context, e topic.Event[Req]) (Resp, error) {
	p := all.borrow()
	if p.message == nil {
		p.message = bus.NewMessage(&all.party, all.codec)
	}
	p.event = e
	p.message.Reset(p.event.Meta(), &p.event, &p.event.Value)
	err := all.chain(context.WithValue(ctx, passageKey{}, p), p.message)
	reply := p.reply
	all.giveBack(p)
	return reply, err
}

// borrow returns a passage whose event and reply are zero.
func (all *passages[Req, Resp]) borrow() *passage[Req, Resp] {
	if p, ok := all.pool.Get().(*passage[Req, Resp]); ok {
		return p
	}
	return &passage[Req, Resp]{}
}

// giveBack is not called when a handler has panicked or ended its goroutine.
func (all *passages[Req, Resp]) giveBack(p *passage[Req, Resp]) {
	p.event, p.reply = topic.Event[Req]{}, *new(Resp)
	p.payload.reuse()
	all.pool.Put(p)
}

// passageOf returns the passage of the context at the end of a chain.
func passageOf[Req, Resp any](ctx context.Context) (*passage[Req, Resp], error) {
	p, ok := ctx.Value(passageKey{}).(*passage[Req, Resp])
	if !ok {
		return nil, errContext
	}
	return p, nil
}
