package middleware

import (
	"context"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
)

// The reserved headers (docs/wire.md) that Correlation sets and reads.
const (
	correlationHeader = "correlation-id"
	causationHeader   = "causation-id"
)

// Correlation makes it possible to tell which events belong together, and which was published because of which. It stands on both sides,
// usually in bus.Options.Publish and bus.Options.Subscribe of every bus that takes part:
//
//   - Where an event is handled, the handler's context has the event's correlation ID, see [CorrelationID], and the event's own ID as that
//     of the cause, see [CausationID].
//   - Where an event is published with such a context, it gets them as the headers correlation-id and causation-id.
//
// An event that was published outside of handlers gets no headers: it is a root, and its own ID is the correlation ID of all that follows
// from it. [WithCorrelationID] begins with another ID, such as that of an HTTP request. A header that is set already stays. An event that is
// passed on with its ID, such as a dead letter, is the same event: it gets no cause from its own handling.
//
// Requests and tasks are events here. An event without an ID is nobody's cause, and no ID is invented for it: what its handler publishes was
// caused by what has caused the event itself, if that is known, and is otherwise a root. Such are events of plain peers, requests within one
// bus, and events that stay on a bus with a transport. The contexts of subscriber.Batch and subscriber.Events are of no single event, and have
// nothing. A handler that starts goroutines may give them its context: it stays right after the handler has returned.
//
// Phase: [bus.PhaseCorrelate]. Reading costs one allocation for an event; IDs are computed only when somebody asks or publishes. An ID of
// more than 255 bytes is treated as if it were not there, so that no peer can make what others publish too large.
func Correlation() bus.Middleware {
	return bus.Middleware{Name: "correlation", Phase: bus.PhaseCorrelate, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if !m.Party().Role.Sends() {
				return next(&correlated{Context: ctx, cause: *m.Meta()}, m)
			}
			if err := correlate(ctx, m); err != nil {
				return err
			}
			return next(ctx, m)
		}
	}}
}

// correlate sets the headers of what is published with ctx.
func correlate(ctx context.Context, m *bus.Message) error {
	c := correlatedBy(ctx)
	if c == nil {
		return nil
	}
	if id := c.correlation(); id != "" && m.Header(correlationHeader) == "" {
		if err := m.SetHeader(correlationHeader, id); err != nil {
			return err
		}
	}
	if id := c.causation(); id != "" && id != m.ID() && m.Header(causationHeader) == "" { // one that is passed on is not its own cause
		return m.SetHeader(causationHeader, id)
	}
	return nil
}

// CorrelationID returns what the events that belong together have in common: the correlation ID of the event that is being handled, or what
// WithCorrelationID was given, whichever is nearer. It is "" if there is neither. It may be called after the handler has returned.
func CorrelationID(ctx context.Context) string { return correlatedBy(ctx).correlation() }

// CausationID returns the ID of the event that is being handled, which is the cause of what its handler publishes; for an event without an
// ID, that of its own cause. It is "" if neither is known. It may be called after the handler has returned.
func CausationID(ctx context.Context) string { return correlatedBy(ctx).causation() }

// WithCorrelationID returns ctx with that correlation ID for what is published with it, through a publisher with [Correlation]. The cause
// stays that of ctx. An ID of 0 bytes, or of more than 255, is ignored.
func WithCorrelationID(ctx context.Context, id string) context.Context {
	if !usable(id) {
		return ctx
	}
	return &correlated{Context: ctx, id: id}
}

// correlated is the context of what belongs together. It holds a copy of what identifies the event, since the message is used again, and
// computes no ID before somebody asks: one that is made of source, topic and sequence costs several times what all else here does. A context
// that is kept keeps an encoded payload alive with it.
type correlated struct {
	context.Context
	id      string                 // of WithCorrelationID
	cause   envelope.Meta          // of the event that is handled
	causeID atomic.Pointer[string] // when it was asked for
}

type correlatedKey struct{}

// Value returns the context itself for correlatedKey, and else what the outer one has.
func (c *correlated) Value(key any) any {
	if _, ok := key.(correlatedKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// correlatedBy returns the innermost of ctx, nil if there is none.
func correlatedBy(ctx context.Context) *correlated {
	c, _ := ctx.Value(correlatedKey{}).(*correlated)
	return c
}

// correlation returns the correlation ID, "" for nil.
func (c *correlated) correlation() string {
	for ; c != nil; c = correlatedBy(c.Context) {
		if c.id != "" {
			return c.id
		}
		if id, _ := c.cause.Property(correlationHeader); usable(id) {
			return id
		}
		if id := c.eventID(); id != "" {
			return id
		}
	}
	return ""
}

// causation returns the ID of the cause, "" for nil.
func (c *correlated) causation() string {
	for ; c != nil; c = correlatedBy(c.Context) {
		if id := c.eventID(); id != "" {
			return id
		}
		if id, _ := c.cause.Property(causationHeader); usable(id) {
			return id
		}
	}
	return ""
}

// eventID returns the ID of the event that is handled, "" if it has none that can be used.
func (c *correlated) eventID() string {
	if id := c.causeID.Load(); id != nil {
		return *id
	}
	id := c.cause.ID()
	if !usable(id) {
		id = ""
	}
	c.causeID.Store(&id)
	return id
}

func usable(id string) bool { return id != "" && len(id) <= envelope.MaxID }
