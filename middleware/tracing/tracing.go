package tracing

import (
	"github.com/fanfare-go/fanfare/bus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope is the name of the instrumentation.
const scope = "github.com/fanfare-go/fanfare/middleware/tracing"

// Options are how [New] traces.
type Options struct {
	// TracerProvider makes the spans. Default: the global one; if there is none yet, that which is set later.
	TracerProvider trace.TracerProvider
	// Propagator writes traces into headers, and reads them. Names of headers are in lower case. Default: W3C Trace Context and Baggage, with the
	// headers traceparent, tracestate and baggage. The global propagator is not used.
	Propagator propagation.TextMapPropagator
	// NewTraces begins a trace with each process span, which is then only linked to the send span. It is for events that very many handlers get.
	// Default: false.
	NewTraces bool
}

// New returns middleware that makes a span for each event, request or task that passes, and hands its trace on. Nil options mean the
// defaults. It belongs on both sides, usually in bus.Options.Publish and bus.Options.Subscribe of every bus that takes part:
//
//   - Where something is sent it makes a send span, a child of the one in the context, and sets the headers.
//   - Where something is handled it reads the headers and makes a process span, which the handler's context has.
//
// Headers that carry a trace already, as those of a forwarder do, stay as they are, and the send span is linked to that trace.
//
// Headers that cannot be read, or are too long, are ignored, and never an error: of tracestate more than 512 bytes, of others more than 8192. A
// propagator that sets a header which the bus refuses is told to the error handler of OpenTelemetry.
//
// With a no-op provider it makes no spans and computes nothing; it only hands a trace on, if there is one.
//
// Phase: [bus.PhaseObserve], so there is one span for all attempts of a Retry.
func New(o *Options) bus.Middleware {
	var options Options
	if o != nil {
		options = *o
	}
	global := options.TracerProvider == nil
	if global {
		options.TracerProvider = otel.GetTracerProvider()
	}
	t := &tracing{
		tracer:     options.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		propagator: options.Propagator,
		newTraces:  options.NewTraces,
	}
	_, t.silent = t.tracer.(noop.Tracer)
	if t.propagator == nil {
		t.propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
		t.fields = []string{"traceparent", "baggage"} // a tracestate alone says nothing
	}
	return bus.Middleware{Name: "tracing", Phase: bus.PhaseObserve, Wrap: func(next bus.Handler) bus.Handler {
		c := &chain{tracing: t, next: next}
		if global {
			c.dormant.watch(options.TracerProvider)
		}
		return c.handle
	}}
}

// tracing is what all chains share.
type tracing struct {
	tracer     trace.Tracer
	silent     bool // the tracer makes no spans, and never will
	propagator propagation.TextMapPropagator
	fields     []string // the headers without which there is nothing to read; nil: unknown
	newTraces  bool
}
