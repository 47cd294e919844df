package publisher

import (
	"context"
	"errors"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/topic"
)

// inlines are the inline subscriptions of a route.
type inlines[T any] []inline[T]

// inline is one of them.
type inline[T any] struct {
	state  *lane.Inline
	caller caller[T]
}

// caller is an inline subscription of the publisher's own type. Call copies e, and does not keep it.
type caller[T any] interface {
	Call(c *bus.InlineCaller, e *topic.Event[T]) error
}

// encoded is an inline subscription of another type. The events that it is called with have a payload.
type encoded[T any] struct{ bus.Inline }

func (i encoded[T]) Call(c *bus.InlineCaller, e *topic.Event[T]) error {
	return i.CallEncoded(c, *e.Meta())
}

// begin notes the calls that are about to be made, and returns those that may be. The route is acquired.
func (all inlines[T]) begin() inlines[T] {
	for k, i := range all {
		if !i.state.Begin() { // it was closed, but the route has not heard of it yet
			return append(append(inlines[T]{}, all[:k]...), all[k+1:].begin()...)
		}
	}
	return all
}

// call is the calling of inline handlers with one event, by one publish.
type call[T any] struct {
	bus.InlineCaller
	event topic.Event[T]
	to    inlines[T]
}

// calls keeps calls for publishes to come. Those with a context that has been seen cost no allocation.
type calls[T any] struct {
	pool sync.Pool // of *call[T]
}

// take returns a call for a publish with ctx, which is to be given back.
func (k *calls[T]) take(b *bus.Bus, ctx context.Context) *call[T] {
	c, _ := k.pool.Get().(*call[T])
	if c == nil || !c.Is(ctx) { // handlers may have kept the context that c was
		c = &call[T]{InlineCaller: b.InlineCaller(ctx)}
	}
	return c
}

func (k *calls[T]) give(c *call[T]) {
	c.event, c.to = topic.Event[T]{}, nil
	k.pool.Put(c)
}

// make calls the handlers, one after the other. If one ends the goroutine, the others still get the event.
func (c *call[T]) make() (err error) {
	if len(c.to) == 1 {
		return c.to[0].caller.Call(&c.InlineCaller, &c.event)
	}
	defer func() {
		if len(c.to) > 0 {
			_ = c.make() // nobody is there any more to be told
		}
	}()
	for len(c.to) > 0 {
		i := c.to[0]
		c.to = c.to[1:]
		if failed := i.caller.Call(&c.InlineCaller, &c.event); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return err
}
