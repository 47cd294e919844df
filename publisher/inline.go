package publisher

import (
	"context"
	"errors"
	"sync/atomic"

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

// caller is an inline subscription of the publisher's own type. Events are passed by value, or every one would be moved to the heap.
type caller[T any] interface {
	Call(c *bus.InlineCaller, e topic.Event[T]) error
}

// encoded is an inline subscription of another type. The events that it is called with are encoded.
type encoded[T any] struct{ bus.Inline }

func (i encoded[T]) Call(c *bus.InlineCaller, e topic.Event[T]) error {
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

// call calls the handlers, one after the other. If one ends the goroutine, the others still get the event.
func (all inlines[T]) call(c *bus.InlineCaller, e topic.Event[T]) (err error) {
	defer func() {
		if len(all) > 0 {
			_ = all.call(c, e) // nobody is there any more to be told
		}
	}()
	for len(all) > 0 {
		i := all[0]
		all = all[1:]
		if failed := i.caller.Call(c, e); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// callBoth calls the handlers of own, and then those that take the event encoded, even if one of the former ends the goroutine.
func callBoth[T any](c *bus.InlineCaller, own, strange inlines[T], e topic.Event[T], encoded [][]byte) (err error) {
	defer func() {
		e.Meta().SetEncoded(encoded)
		err = errors.Join(err, strange.call(c, e))
	}()
	return own.call(c, e)
}

// callers keeps what inline handlers were called with last: most publishers have one context, and then a publish costs no allocation.
type callers struct {
	last atomic.Pointer[bus.InlineCaller]
}

// of returns what to call handlers with for a publish with ctx.
func (k *callers) of(ctx context.Context, b *bus.Bus) *bus.InlineCaller {
	c := k.last.Load()
	if c == nil || !c.Is(ctx) {
		c = b.InlineCaller(ctx)
		k.last.Store(c)
	}
	return c
}
