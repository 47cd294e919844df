package pipeline

import (
	"context"
	"iter"
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
)

// Delivery is what is known about a task besides its value. It is a small struct, passed by value.
type Delivery struct {
	meta    envelope.Meta
	attempt int
}

// DeliveryFrom returns the delivery of the task that a handler has, from the handler's context or one derived from it. It reports false for
// other contexts. It must be called before the handler returns; the delivery stays valid.
func DeliveryFrom(ctx context.Context) (d Delivery, ok bool) {
	r := deliveryOf(ctx)
	if r == nil {
		return Delivery{}, false
	}
	return Delivery{r.job.meta(), r.job.count()}, true
}

// deliveryContext is the context of the handlers of one goroutine. It knows which task is being handled: a context for each would cost an
// allocation.
type deliveryContext struct {
	context.Context
	runner *runner
}

type deliveryKey struct{}

// Value returns the runner, or what the worker's context has.
func (c *deliveryContext) Value(key any) any {
	if _, ok := key.(deliveryKey); ok {
		return c.runner
	}
	return c.Context.Value(key)
}

// deliveryOf returns who handles the task that ctx belongs to, nil if there is none.
func deliveryOf(ctx context.Context) *runner {
	r, _ := ctx.Value(deliveryKey{}).(*runner)
	return r
}

// Task returns the name of the task; for one from a plain peer that of the worker's task.
func (d Delivery) Task() string {
	if d.meta.Origin == nil {
		return ""
	}
	return d.meta.Origin.Topic
}

// ID returns what identifies the task, the same in every attempt and in the dead letter: the ID that its producer gave it, else one made of
// source, task and sequence. It is "" for tasks from plain peers.
func (d Delivery) ID() string { return d.meta.ID() }

// Source returns the bus that sent it, the zero UUID for plain peers.
func (d Delivery) Source() uuid.UUID {
	if d.meta.Origin == nil {
		return uuid.Nil
	}
	return d.meta.Origin.Source
}

// Seq returns its number among the tasks of its source and name, from 1; 0 for plain peers.
func (d Delivery) Seq() uint64 { return d.meta.Seq }

// Time returns when it was sent, by the producer's clock, exact to a millisecond; zero for plain peers.
func (d Delivery) Time() time.Time {
	if d.meta.Time == 0 {
		return time.Time{}
	}
	return time.Unix(0, d.meta.Time)
}

// Attempt returns which attempt this is: 1, and one more for each that has failed.
func (d Delivery) Attempt() int { return max(d.attempt, 1) }

// Header returns the value of the named header, "" when there is none. Names are in lower case.
func (d Delivery) Header(name string) string {
	v, _ := d.meta.Property(name)
	return v
}

// Headers yields the names and values of all headers. The ID is not among them.
func (d Delivery) Headers() iter.Seq2[string, string] { return d.meta.Headers() }
