package tracing_test

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A handler publishes: all spans are one trace. A program would export them to a collector instead of printing them.
func ExampleNew() {
	exporter := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(exporter))
	traced := []bus.Middleware{tracing.New(&tracing.Options{TracerProvider: provider})}
	b, err := bus.New(&bus.Options{Publish: traced, Subscribe: traced})
	if err != nil {
		panic(err)
	}
	created, paid := topic.New[string]("orders.created"), topic.New[string]("orders.paid")
	payments, err := publisher.New(b, paid, nil)
	if err != nil {
		panic(err)
	}
	_, err = subscriber.New(b, created, func(ctx context.Context, e topic.Event[string]) error {
		return payments.Publish(ctx, e.Value) // the handler's context has the span
	}, nil)
	if err != nil {
		panic(err)
	}
	orders, err := publisher.New(b, created, nil)
	if err != nil {
		panic(err)
	}
	ctx, checkout := provider.Tracer("shop").Start(context.Background(), "checkout")
	if err := orders.Publish(ctx, "two pencils"); err != nil {
		panic(err)
	}
	checkout.End()
	if err := b.Shutdown(ctx); err != nil { // waits for the handlers
		panic(err)
	}
	spans := exporter.GetSpans()
	for _, name := range []string{"checkout", "send orders.created", "process orders.created", "send orders.paid"} {
		for _, s := range spans {
			if s.Name == name {
				fmt.Printf("%-22s %-8v same trace: %t\n", s.Name, s.SpanKind, s.SpanContext.TraceID() == checkout.SpanContext().TraceID())
			}
		}
	}
	// Output:
	// checkout               internal same trace: true
	// send orders.created    producer same trace: true
	// process orders.created consumer same trace: true
	// send orders.paid       producer same trace: true
}
