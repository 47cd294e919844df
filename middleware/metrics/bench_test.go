package metrics_test

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// wrap returns a handler in a chain of its own.
func wrap(t testing.TB, next bus.Handler) bus.Handler {
	t.Helper()
	m, _ := newMetrics(t, nil)
	return bus.Chain(next, m.Middleware())
}

func nothing(context.Context, *bus.Message) error { return nil }

// BenchmarkMetrics is the middleware around a handler that does nothing, for one topic and for two in turn, and that handler alone.
func BenchmarkMetrics(b *testing.B) {
	p := party(b, bus.RoleSubscriber)
	ctx, one, two := context.Background(), message(p, "orders.created", time.Now()), message(p, "orders.cancelled", time.Now())
	run := func(name string, h bus.Handler, first, second *bus.Message) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = h(ctx, first)
				first, second = second, first
			}
		})
	}
	run("bare", nothing, one, one)
	run("one topic", wrap(b, nothing), one, one)
	run("two topics", wrap(b, nothing), one, two)
}

// An event is measured without an allocation, whatever its duration and its lag are like. Not parallel: AllocsPerRun counts the allocations of
// all goroutines.
func TestMeasuringDoesNotAllocate(t *testing.T) {
	m, ctx := message(party(t, bus.RoleSubscriber), "orders.created", time.Now()), t.Context()
	h := wrap(t, nothing)
	measure := func() {
		if err := h(ctx, m); err != nil {
			t.Error(err)
		}
	}
	for range 1000 { // the buckets are made when they are needed first
		measure()
	}
	if allocs := testing.AllocsPerRun(1000, measure); allocs > 0 {
		t.Errorf("%v allocations an event", allocs)
	}
}
