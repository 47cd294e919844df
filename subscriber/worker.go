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
	message *bus.Message    // nil without middleware
}

func (s *sink[T]) newWorker() lane.Handler[topic.Event[T]] {
	w := &worker[T]{sink: s, ctx: bus.HandlerContext(s.ctx, &lane.Caller{Gate: s.member.Gate(), Graph: s.bus.Graph()})}
	if s.chain != nil {
		w.message = bus.NewMessage(s.codec)
	}
	return w
}

// Handle takes one event through the chain, or straight to the handler when there is no chain.
func (w *worker[T]) Handle(e *topic.Event[T]) lane.Outcome {
	err := w.call(e)
	if err == nil {
		return lane.Succeeded
	}
	if errors.Is(err, bus.ErrFiltered) {
		return lane.Filtered
	}
	w.sink.log(e, err)
	return lane.Failed
}

func (w *worker[T]) call(e *topic.Event[T]) error {
	if w.message != nil {
		w.message.Reset(e.Meta(), e, &e.Value)
		return w.sink.chain(w.ctx, w.message)
	}
	if e.Meta().Payload != nil {
		if err := w.sink.decode(e); err != nil {
			return err
		}
	}
	return w.sink.handler(w.ctx, *e)
}

// Recovered logs a panic that no middleware caught.
func (w *worker[T]) Recovered(e *topic.Event[T], value any) {
	w.sink.log(e, &bus.PanicError{Value: value, Stack: debug.Stack()})
}

// log tells of an event that failed.
func (s *sink[T]) log(e *topic.Event[T], err error) {
	entry := s.bus.Logger().Error().Err(err).Str("subscription", s.member.Name).Str("topic", e.Topic()).Uint64("seq", e.Seq())
	var panicked *bus.PanicError
	if errors.As(err, &panicked) {
		entry = entry.Bytes("stack", panicked.Stack)
	}
	entry.Msg("event failed")
}

// typeName names T for errors.
func typeName[T any]() string { return reflect.TypeFor[T]().String() }
