package subscriber

import (
	"context"
	"errors"
	"reflect"
	"runtime/debug"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/topic"
)

// worker calls the handler of a subscription, one event after the other.
type worker[T any] struct {
	sink    *sink[T]
	ctx     context.Context // of its handlers
	event   topic.Event[T]  // a copy, for what is decoded or goes through middleware
	message *bus.Message    // nil without middleware
}

func (s *sink[T]) newWorker() *worker[T] {
	w := &worker[T]{sink: s, ctx: bus.HandlerContext(s.ctx.context(), &lane.Caller{Gate: s.Member().Gate(), Graph: s.bus.Graph()})}
	if s.chain != nil {
		w.message = bus.NewMessage(&s.party, s.codec)
	}
	return w
}

// Handle takes events through the chain, or straight to the handler when there is no chain.
func (w *worker[T]) Handle(t *lane.Turn[topic.Event[T]]) {
	for in := t.Next(); in != nil; in = t.Next() {
		var err error
		if w.message == nil && in.Meta().Encoded() == nil {
			e := *in
			if !t.Begin() {
				return
			}
			err = w.sink.handler(w.ctx, e)
		} else {
			w.event = *in
			if !t.Begin() {
				return
			}
			err = w.call(w.ctx)
		}
		if err == nil {
			t.End(lane.Succeeded)
		} else if errors.Is(err, errUnread) {
			return
		} else {
			t.End(w.failed(in, err))
		}
	}
}

// call takes the event that was copied through the chain, or decodes it.
func (w *worker[T]) call(ctx context.Context) error {
	defer w.forget()
	if w.message != nil {
		w.message.Reset(w.event.Meta(), &w.event, &w.event.Value)
		return w.sink.chain(ctx, w.message)
	}
	if w.event.Meta().Encoded() != nil {
		if err := w.sink.decode(ctx, &w.event); err != nil {
			return err
		}
	}
	return w.sink.handler(ctx, w.event)
}

// failed returns the outcome that err means, and logs it.
func (w *worker[T]) failed(e *topic.Event[T], err error) lane.Outcome {
	if errors.Is(err, bus.ErrFiltered) {
		return lane.Filtered
	}
	w.sink.log(e, err)
	return lane.Failed
}

func (w *worker[T]) forget() { w.event = topic.Event[T]{} }

// errExited is the error of a handler that returns none.
var errExited = errors.New("subscriber: the handler has ended its goroutine")

// Aborted logs a panic that no middleware caught, or the end of the goroutine.
func (w *worker[T]) Aborted(e *topic.Event[T], value any) {
	if value == nil {
		w.sink.log(e, errExited)
		return
	}
	w.sink.log(e, &bus.PanicError{Value: value, Stack: debug.Stack()})
}

// log tells of an event that failed.
func (s *sink[T]) log(e *topic.Event[T], err error) {
	entry := s.bus.Logger().Error().Err(err).Str("subscription", s.Member().Name).Str("topic", e.Topic()).Uint64("seq", e.Seq())
	var panicked *bus.PanicError
	if errors.As(err, &panicked) {
		entry = entry.Bytes("stack", panicked.Stack)
	}
	entry.Msg("event failed")
}

// typeName names T for errors.
func typeName[T any]() string { return reflect.TypeFor[T]().String() }
