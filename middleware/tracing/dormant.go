package tracing

import (
	"reflect"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
)

// nap is for how many events dormant does not ask.
const nap = 100

// dormant knows that the global provider makes no spans because none was set: to ask it costs 100 ns and three allocations for each event, in
// every program that uses packages with tracing and does not trace. It wakes up when a provider is set. An agent that attaches from outside
// of the process and makes spans then is noticed after the nap.
type dormant struct {
	provider trace.TracerProvider // the global one at first; nil if that need not be watched
	left     atomic.Int32         // events of the nap
}

// watch has d watch the global provider. A pointer can be compared with whatever will be set.
func (d *dormant) watch(global trace.TracerProvider) {
	if reflect.ValueOf(global).Kind() == reflect.Pointer {
		d.provider = global
	}
}

// asleep reports whether a span need not be asked for, for one event.
func (d *dormant) asleep() bool {
	return d.left.Load() > 0 && otel.GetTracerProvider() == d.provider && d.left.Add(-1) >= 0
}

// note begins a nap after a span that is nothing.
func (d *dormant) note(span trace.Span) {
	if d.provider != nil && !span.IsRecording() && !span.SpanContext().IsValid() {
		d.left.Store(nap)
	}
}
