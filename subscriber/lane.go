package subscriber

import (
	"bytes"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/topic"
)

// logLane is a log as the bus sees it.
type logLane[T any] struct {
	log *lane.Log[topic.Event[T]]
	bare
}

// Log lets publishers of the same Go type append.
func (l *logLane[T]) Log() *lane.Log[topic.Event[T]] { return l.log }

func (l *logLane[T]) Target() *lane.Entry { return &l.log.Entry }

func (l *logLane[T]) Deliver(m *envelope.Meta) {
	e := topic.FromMeta(*new(T), *m)
	l.log.Append(&e)
}

func (l *logLane[T]) Offer(m *envelope.Meta) *lane.Gate {
	e := topic.FromMeta(*new(T), *m)
	return l.log.Offer(&e)
}

// queueLane is a queue as the bus sees it.
type queueLane[T any] struct {
	queue    *lane.Queue[topic.Event[T]]
	attached bool // the bus has attached a member; guarded by the lock that it holds then
	bare
}

// Queue lets publishers of the same Go type append.
func (l *queueLane[T]) Queue() *lane.Queue[topic.Event[T]] { return l.queue }

func (l *queueLane[T]) Target() *lane.Entry { return &l.queue.Entry }

func (l *queueLane[T]) Deliver(m *envelope.Meta) {
	e := topic.FromMeta(*new(T), *m)
	l.queue.Append(&e)
}

func (l *queueLane[T]) Offer(m *envelope.Meta) *lane.Gate {
	e := topic.FromMeta(*new(T), *m)
	return l.queue.Offer(&e)
}

var (
	_ bus.Lane = (*logLane[int])(nil)
	_ bus.Lane = (*queueLane[int])(nil)
)

// bare selects messages without a topic: those that begin with a prefix, if it has one.
type bare struct{ origin *envelope.Origin }

func newBare[T any](sel topic.Selector[T]) bare {
	if prefix, ok := sel.(topic.Prefix[T]); ok {
		return bare{&envelope.Origin{Topic: prefix.String(), Remote: true}}
	}
	return bare{}
}

// Bare returns the origin of such messages, nil for one that is not selected.
func (b bare) Bare(payload []byte) *envelope.Origin {
	if b.origin == nil || !bytes.HasPrefix(payload, []byte(b.origin.Topic)) {
		return nil
	}
	return b.origin
}
