package subscriber

import (
	"context"
	"errors"
	"iter"
	"net"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/topic"
)

// Events yields the events that sel selects, from when the loop begins until ctx, the bus or the loop ends. An event whose payload does not
// decode yields a [*bus.DecodeError], and the loop goes on; any other error is the last thing that it yields: what New returns, ctx's error, or
// [bus.ErrClosed].
//
//	for e, err := range subscriber.Events(ctx, b, Orders, nil) { … }
//
// There is one event at a time, which counts as running until the loop asks for the next one: a loop that is slow is a handler that is
// slow. The body does not run in a handler: a Publish in it with ctx is one from outside. Workers and Inline must be left alone. Each loop
// over the result is a subscription of its own.
func Events[T any](ctx context.Context, b *bus.Bus, sel topic.Selector[T], o *Options) iter.Seq2[topic.Event[T], error] {
	site := callSite()
	return func(yield func(topic.Event[T], error) bool) {
		if err := o.checkLoop(); err != nil {
			yield(topic.Event[T]{}, err)
			return
		}
		l := loop[T]{events: make(chan arrival[T]), done: make(chan struct{})}
		s, err := subscribe(b, sel, o, site, func(s *sink[T]) { s.handler, s.undecodable = l.handle, l.undecodable })
		if err != nil {
			yield(topic.Event[T]{}, err)
			return
		}
		if err := l.run(ctx, s, yield); err != nil {
			yield(topic.Event[T]{}, err)
		}
	}
}

// checkLoop returns an error for an option that makes no sense for a loop.
func (o *Options) checkLoop() error {
	switch {
	case o == nil:
	case o.Workers > 1:
		return &bus.OptionError{Field: "subscriber.Options.Workers", Value: o.Workers, Limit: "left alone for Events"}
	case o.Inline:
		return &bus.OptionError{Field: "subscriber.Options.Inline", Value: true, Limit: "left alone for Events"}
	}
	return nil
}

// arrival is what one turn of a loop gets.
type arrival[T any] struct {
	event topic.Event[T]
	err   error
}

// loop hands events from a handler to a loop.
type loop[T any] struct {
	events chan arrival[T]
	done   chan struct{} // told when the loop has done with one
}

func (l *loop[T]) handle(ctx context.Context, e topic.Event[T]) error {
	return l.hand(ctx, arrival[T]{event: e})
}

func (l *loop[T]) undecodable(ctx context.Context, err error) error {
	if handed := l.hand(ctx, arrival[T]{err: err}); handed != nil {
		return handed
	}
	return err // it counts as failed all the same
}

// hand waits until the loop has done with the event.
func (l *loop[T]) hand(ctx context.Context, a arrival[T]) error {
	select {
	case l.events <- a:
	case <-ctx.Done():
		return errUnread
	}
	<-l.done
	return nil
}

// errUnread says that the loop has ended before the event.
var errUnread = errors.New("subscriber: the loop has ended")

// run yields events until the loop is broken out of, or returns why there are no more. Then the subscription is closed, even if the body has
// panicked.
func (l *loop[T]) run(ctx context.Context, s *Subscription, yield func(topic.Event[T], error) bool) (err error) {
	defer func() {
		if closing := s.Close(); err != nil && !errors.Is(closing, net.ErrClosed) {
			err = errors.Join(err, closing)
		}
	}()
	for {
		select {
		case a := <-l.events:
			if !l.turn(a, s, yield) {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-s.Done():
			return bus.ErrClosed
		}
	}
}

// turn is one turn of the loop, which tells the handler even when the body panics. After the last one nothing more is begun.
func (l *loop[T]) turn(a arrival[T], s *Subscription, yield func(topic.Event[T], error) bool) (more bool) {
	defer func() {
		if !more {
			s.sink.Close()
		}
		l.done <- struct{}{}
	}()
	return yield(a.event, a.err)
}
