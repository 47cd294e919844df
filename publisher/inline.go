package publisher

import (
	"errors"
	"slices"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/topic"
)

// inline is an inline subscription of the publisher's own type.
type inline[T any] interface {
	bus.Inline
	Call(c *bus.InlineCaller, e topic.Event[T]) error
}

// encoded is an inline subscription of another type. The events that it is called with have a payload.
type encoded[T any] struct{ bus.Inline }

func (i encoded[T]) Call(c *bus.InlineCaller, e topic.Event[T]) error {
	return i.CallEncoded(c, *e.Meta())
}

// begin notes the calls that are about to be made, and returns those that may be. The route is acquired.
func begin[T any](inlines []inline[T]) []inline[T] {
	for k, i := range inlines {
		if i.State().Begin() {
			continue
		}
		open := slices.Clone(inlines[:k]) // i was closed, but the route has not heard of it yet
		for _, i := range inlines[k+1:] {
			if i.State().Begin() {
				open = append(open, i)
			}
		}
		return open
	}
	return inlines
}

// callAll calls the handlers, one after the other. If one ends the goroutine, the others still get the event.
func callAll[T any](c *bus.InlineCaller, calls []inline[T], e *topic.Event[T]) (err error) {
	defer func() {
		if len(calls) > 0 {
			_ = callAll(c, calls, e) // nobody is there any more to be told
		}
	}()
	for len(calls) > 0 {
		i := calls[0]
		calls = calls[1:]
		if failed := i.Call(c, *e); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return err
}
