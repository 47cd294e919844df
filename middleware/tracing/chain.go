package tracing

import (
	"context"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/bus"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// chain is the middleware in one chain.
type chain struct {
	*tracing
	next    bus.Handler
	dormant dormant
	last    atomic.Pointer[destination]
}

// destination is what all spans for one topic begin with. It is kept, as most chains have one topic.
type destination struct {
	party   *bus.Party
	topic   string
	name    string // of the spans
	options []trace.SpanStartOption
}

func (c *chain) handle(ctx context.Context, m *bus.Message) error {
	silent := c.silent || c.dormant.asleep()
	if m.Party().Role.Sends() {
		return c.send(ctx, m, silent)
	}
	ctx, sent := c.extract(ctx, m)
	if silent {
		return c.next(ctx, m)
	}
	ctx, span := c.start(ctx, m)
	return c.pass(ctx, m, span, sent)
}

func (c *chain) send(ctx context.Context, m *bus.Message, silent bool) error {
	if silent {
		c.inject(ctx, m)
		return c.next(ctx, m)
	}
	ctx, span := c.start(ctx, m)
	return c.pass(ctx, m, span, c.inject(ctx, m))
}

// start starts a span.
func (c *chain) start(ctx context.Context, m *bus.Message) (context.Context, trace.Span) {
	d := c.destination(m)
	ctx, span := c.tracer.Start(ctx, d.name, d.options...)
	c.dormant.note(span)
	return ctx, span
}

// pass calls next, and ends the span. linked is what it is linked to, if that is valid.
func (c *chain) pass(ctx context.Context, m *bus.Message, span trace.Span, linked trace.SpanContext) (err error) {
	defer span.End() // called like this it notes a panic, and lets it go on
	if !span.IsRecording() {
		return c.next(ctx, m)
	}
	if linked.IsValid() {
		span.AddLink(trace.Link{SpanContext: linked})
	}
	sends := m.Party().Role.Sends()
	if !sends { // what is sent has its number, and with it its ID, later
		span.SetAttributes(attributesOf(m)...)
	}
	returned := false
	defer func() {
		if sends {
			span.SetAttributes(attributesOf(m)...)
		}
		conclude(span, m, returned, err)
	}()
	err = c.next(ctx, m)
	returned = true
	return err
}

// destination returns that of a message.
func (c *chain) destination(m *bus.Message) *destination {
	party, topic := m.Party(), m.Topic()
	if d := c.last.Load(); d != nil && d.party == party && d.topic == topic {
		return d
	}
	kind, operation, operationType := kindOf(party.Role)
	name := valid(topic)
	attributes := []attribute.KeyValue{
		semconv.MessagingSystemKey.String("fanfare"),
		semconv.MessagingOperationName(operation),
		operationType,
		semconv.MessagingDestinationName(name),
	}
	if party.Role == bus.RoleSubscriber {
		attributes = append(attributes, semconv.MessagingDestinationSubscriptionName(valid(party.Name)))
	}
	d := &destination{party: party, topic: topic, name: operation + " " + name}
	d.options = []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attributes...)}
	if c.newTraces && !party.Role.Sends() {
		d.options = append(d.options, trace.WithNewRoot())
	}
	c.last.Store(d)
	return d
}
