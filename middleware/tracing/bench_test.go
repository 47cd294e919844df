package tracing_test

import (
	"context"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/sdk/trace"
	otrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// message returns a function that makes the message of an event, the same message each time, as the bus does.
func message(role bus.Role, headers map[string]string) func() *bus.Message {
	metadata := topic.Metadata{Topic: "orders.created", Headers: headers}
	if !role.Sends() {
		metadata.Source, metadata.Seq = uuid.UUID{1}, 1
	}
	m := bus.NewMessage(&bus.Party{Role: role, Name: "billing"}, codec.JSON)
	fresh := topic.NewEvent("two pencils", metadata)
	used := fresh
	return func() *bus.Message {
		used = fresh
		m.Reset(used.Meta(), &used, &used.Value)
		return m
	}
}

// traceparent is a header of a trace that others have sampled.
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// roles are the sides, by name.
var roles = map[string]bus.Role{"send": bus.RolePublisher, "process": bus.RoleSubscriber}

// TestNoopAllocatesNothing is what a program that does not trace pays: with a no-op provider, and with the global one that it has not set.
func TestNoopAllocatesNothing(t *testing.T) {
	for name, p := range map[string]otrace.TracerProvider{"no-op": noop.NewTracerProvider(), "global": nil} {
		for side, role := range roles {
			h := around(p, func(context.Context, *bus.Message) error { return nil })
			next := message(role, nil)
			if got := testing.AllocsPerRun(1000, func() { must(h(context.Background(), next())) }); got != 0 {
				t.Errorf("%s, %s: %v allocations", name, side, got)
			}
		}
	}
}

// around returns h with tracing.
func around(p otrace.TracerProvider, h bus.Handler) bus.Handler {
	return bus.Chain(h, tracing.New(&tracing.Options{TracerProvider: p}))
}

// measure measures both sides.
func measure(b *testing.B, p otrace.TracerProvider, headers map[string]string) {
	for side, role := range roles {
		b.Run(side, func(b *testing.B) {
			h := around(p, func(context.Context, *bus.Message) error { return nil })
			next := message(role, headers)
			b.ReportAllocs()
			for b.Loop() {
				if err := h(context.Background(), next()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNothing is what making the message takes, which is part of the others.
func BenchmarkNothing(b *testing.B) {
	next := message(bus.RoleSubscriber, nil)
	h := bus.Handler(func(context.Context, *bus.Message) error { return nil })
	for b.Loop() {
		if err := h(context.Background(), next()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNoop(b *testing.B) { measure(b, noop.NewTracerProvider(), nil) }

// BenchmarkGlobal has the global provider of a program that sets none.
func BenchmarkGlobal(b *testing.B) { measure(b, nil, nil) }

func BenchmarkUnsampled(b *testing.B) {
	measure(b, trace.NewTracerProvider(trace.WithSampler(trace.NeverSample())), nil)
}

// BenchmarkSDK has spans that nobody exports.
func BenchmarkSDK(b *testing.B) {
	b.Run("root", func(b *testing.B) { measure(b, trace.NewTracerProvider(), nil) })
	b.Run("child", func(b *testing.B) {
		measure(b, trace.NewTracerProvider(), map[string]string{"traceparent": traceparent})
	})
}
