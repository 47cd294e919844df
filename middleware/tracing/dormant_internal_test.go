package tracing

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// TestDormantAsksAgain checks that a nap has an end, and that only a span that is nothing begins one.
func TestDormantAsksAgain(t *testing.T) {
	t.Parallel()
	var d dormant
	d.watch(otel.GetTracerProvider())
	ofOthers := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}})
	d.note(trace.SpanFromContext(trace.ContextWithSpanContext(context.Background(), ofOthers)))
	if d.asleep() {
		t.Error("asleep after a span that hands on a trace")
	}
	d.note(noop.Span{})
	for range nap {
		if !d.asleep() {
			t.Fatal("awake before the end of the nap")
		}
	}
	if d.asleep() {
		t.Error("asleep after the nap")
	}
}

// TestDormantWatchesPointers has a provider that cannot be compared, not even with itself.
func TestDormantWatchesPointers(t *testing.T) {
	t.Parallel()
	var d dormant
	d.watch(uncomparable{})
	d.note(noop.Span{})
	if d.provider != nil || d.asleep() {
		t.Errorf("it watches %T", d.provider)
	}
}

type uncomparable struct {
	noop.TracerProvider
	_ []int
}
