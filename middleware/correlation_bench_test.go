package middleware_test

import (
	"context"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// passing is Correlation around a handler that does nothing.
func passing() bus.Handler {
	return bus.Chain(func(context.Context, *bus.Message) error { return nil }, middleware.Correlation())
}

// TestCorrelationAllocates once where an event is handled, and not at all where there is nothing to say.
func TestCorrelationAllocates(t *testing.T) {
	b := bustest.New(t)
	h := passing()
	for role, want := range map[bus.Role]float64{bus.RoleSubscriber: 1, bus.RolePublisher: 0} {
		m := eventFor(b, role)
		got := testing.AllocsPerRun(1000, func() {
			if err := h(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		})
		if got > want {
			t.Errorf("%v: %v allocations, want %v", role, got, want)
		}
	}
}

func BenchmarkCorrelation(b *testing.B) {
	h := passing()
	for name, role := range map[string]bus.Role{"receive": bus.RoleSubscriber, "send without": bus.RolePublisher} {
		b.Run(name, func(b *testing.B) {
			measureMessage(b, eventFor(bustest.New(b), role), succeed, middleware.Correlation())
		})
	}
	b.Run("send", func(b *testing.B) { // an event that a handler publishes, each time for another event
		m := eventFor(bustest.New(b), bus.RolePublisher)
		e := *m.Event().(*topic.Event[string])
		handling := bus.Chain(func(ctx context.Context, _ *bus.Message) error {
			sent := e
			m.Reset(sent.Meta(), &sent, &sent.Value)
			return h(ctx, m)
		}, middleware.Correlation())
		received := eventFor(bustest.New(b), bus.RoleSubscriber)
		b.ReportAllocs()
		for b.Loop() {
			if err := handling(context.Background(), received); err != nil {
				b.Fatal(err)
			}
		}
	})
}
