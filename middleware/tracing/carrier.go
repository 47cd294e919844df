package tracing

import (
	"context"
	"fmt"
	"strings"

	"github.com/fanfare-go/fanfare/bus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const (
	// longestState is how much of other vendors' data is carried on, as https://www.w3.org/TR/trace-context/ asks of everybody (section
	// 3.3.1.5). All that follows from an event has it in its headers, so a peer must not make it large.
	longestState = 512
	// longestHeader is that for other headers, as https://www.w3.org/TR/baggage/ asks (section 3.3.2).
	longestHeader = 8192
)

// carrier is the headers of a message, as propagators want them.
type carrier struct{ message *bus.Message }

var _ propagation.TextMapCarrier = carrier{}

// Get returns a header, "" if it is too long.
func (c carrier) Get(name string) string {
	name = strings.ToLower(name)
	value := c.message.Header(name)
	if limit := longest(name); len(value) > limit {
		return ""
	}
	return value
}

func longest(name string) int {
	if name == "tracestate" {
		return longestState
	}
	return longestHeader
}

// Set sets a header.
func (c carrier) Set(name, value string) {
	if err := c.message.SetHeader(strings.ToLower(name), value); err != nil {
		otel.Handle(fmt.Errorf("tracing: propagator: %w", err))
	}
}

// Keys returns the names of the headers.
func (c carrier) Keys() (names []string) {
	for name := range c.message.Headers() {
		names = append(names, name)
	}
	return names
}

// inject sets the headers to the trace of ctx, if there is any, unless they carry one already: then it returns that.
func (t *tracing) inject(ctx context.Context, m *bus.Message) (given trace.SpanContext) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return given
	}
	if _, given = t.extract(context.Background(), m); !given.IsValid() {
		t.propagator.Inject(ctx, carrier{m})
	}
	return given
}

// extract returns ctx with what the headers carry, and the trace that they carry, which is not valid if they carry none.
func (t *tracing) extract(ctx context.Context, m *bus.Message) (context.Context, trace.SpanContext) {
	if !t.carries(m) {
		return ctx, trace.SpanContext{}
	}
	ctx = t.propagator.Extract(ctx, carrier{m})
	carried := trace.SpanContextFromContext(ctx)
	if !carried.IsRemote() { // it was there before
		carried = trace.SpanContext{}
	}
	return ctx, carried
}

// carries reports whether the headers may carry anything.
func (t *tracing) carries(m *bus.Message) bool {
	for _, name := range t.fields {
		if m.Header(name) != "" {
			return true
		}
	}
	return t.fields == nil
}
