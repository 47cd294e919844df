package subscriber

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/topic"
)

// inline is a subscription whose handler publishers call. It is a bus.Inline.
type inline[T any] struct {
	sink  *sink[T]
	state *lane.Inline
	bare
	route    *bus.Route       // nil if several lead to it
	early    []topic.Event[T] // what was retained when it came
	messages sync.Pool        // of *message[T], for the chain
}

// message is an event on its way through the chain.
type message[T any] struct {
	event   topic.Event[T]
	message *bus.Message
}

func (s *sink[T]) placeInline(c lane.Config) place {
	i := &inline[T]{sink: s, bare: newBare(s.selector)}
	c.ID = s.bus.NextID()
	var lock *sync.Mutex
	if name, exact := s.selector.Selector().Name(); exact {
		i.route = s.bus.Join(name)
		lock = i.route.Lock()
	}
	i.state = lane.NewInline(c, lock)
	return i
}

func (i *inline[T]) State() *lane.Inline  { return i.state }
func (i *inline[T]) Member() *lane.Member { return &i.state.Member }
func (i *inline[T]) Lane() bus.Lane       { return nil }
func (i *inline[T]) Inline() bus.Inline   { return i }

func (i *inline[T]) close() {
	i.state.Close()
	if i.route != nil {
		i.route.Leave()
	}
}

// Attached remembers what is retained: the routes are locked.
func (i *inline[T]) Attached(retained []bus.Retained) { i.early = events[T](retained) }

// begun calls the handler with that.
func (i *inline[T]) begun() {
	c := i.sink.bus.InlineCaller(i.sink.ctx.context())
	for _, e := range i.early {
		if !i.state.BeginReceived() {
			return
		}
		if err := i.Call(c, e); err != nil {
			i.sink.log(&e, err) // nobody else hears of it
		}
	}
	i.early = nil
}

// CallEncoded is Call with an event that is still to be decoded.
func (i *inline[T]) CallEncoded(c *bus.InlineCaller, m envelope.Meta) error {
	return i.Call(c, topic.FromMeta(*new(T), m))
}

// Call calls the handler, after Begin. A panic becomes an error, as in a worker.
func (i *inline[T]) Call(c *bus.InlineCaller, e topic.Event[T]) (err error) {
	outcome := lane.Failed
	defer func() {
		if outcome == lane.Failed {
			err = i.failure(&e, err, recover())
		}
		i.state.End(outcome)
	}()
	switch {
	case i.sink.chain != nil:
		err = i.callChain(c, e)
	case e.Meta().Encoded() != nil:
		err = i.callDecoded(c, e)
	default:
		err = i.sink.handler(c, e)
	}
	switch {
	case err == nil:
		outcome = lane.Succeeded
	case errors.Is(err, bus.ErrFiltered):
		outcome, err = lane.Filtered, nil
	}
	return err
}

// failure is what a call returns that has failed, or panicked with a value. One that has done neither has ended the goroutine, so that nobody
// else hears of it.
func (i *inline[T]) failure(e *topic.Event[T], err error, value any) error {
	switch {
	case value != nil:
		err = &bus.PanicError{Value: value, Stack: debug.Stack()}
	case err == nil:
		err = errExited
		i.sink.log(e, err)
	}
	return &bus.InlineError{Topic: e.Topic(), Subscription: i.state.Member.Name, Err: err}
}

// callDecoded is apart, so that events that need no decoding stay on the stack.
func (i *inline[T]) callDecoded(ctx context.Context, e topic.Event[T]) error {
	if err := i.sink.decode(ctx, &e); err != nil {
		return err
	}
	return i.sink.handler(ctx, e)
}

func (i *inline[T]) callChain(ctx context.Context, e topic.Event[T]) error {
	m, _ := i.messages.Get().(*message[T])
	if m == nil {
		m = &message[T]{message: bus.NewMessage(&i.sink.party, i.sink.codec)}
	}
	m.event = e
	m.message.Reset(m.event.Meta(), &m.event, &m.event.Value)
	err := i.sink.chain(ctx, m.message)
	m.event = topic.Event[T]{}
	i.messages.Put(m)
	return err
}
