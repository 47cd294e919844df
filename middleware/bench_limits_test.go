package middleware_test

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/topic"
)

// benchmark measures a handler that does nothing inside of m.
func benchmark(b *testing.B, m bus.Middleware, message *bus.Message) {
	b.Helper()
	h := bus.Chain(func(context.Context, *bus.Message) error { return nil }, m)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := h(ctx, message); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCircuitBreaker(b *testing.B) { benchmark(b, middleware.CircuitBreaker(nil), order("7")) }

func BenchmarkThrottle(b *testing.B) { benchmark(b, middleware.Throttle(1e12, 1000), order("7")) }

func BenchmarkThrottleByKey(b *testing.B) {
	benchmark(b, middleware.ThrottleByKey(1e12, 1000, nil), order("7"))
}

func BenchmarkBulkhead(b *testing.B) { benchmark(b, middleware.Bulkhead(4, nil), order("7")) }

func BenchmarkFilter(b *testing.B) {
	benchmark(b, middleware.Filter(func(m *bus.Message) bool { return m.Header("country") == "" }), order("7"))
}

func BenchmarkValidate(b *testing.B) {
	benchmark(b, middleware.Validate(func(context.Context, *bus.Message) error { return nil }), order("7"))
}

func BenchmarkUpcast(b *testing.B) {
	current := topic.Metadata{Headers: map[string]string{"schema-version": "3"}}
	benchmark(b, middleware.Upcast(&middleware.UpcastOptions{Current: 3}), messageOf(bus.RoleSubscriber, "two pencils", current))
}

// BenchmarkUpcastStep has one step, which does nothing: what is measured is what surrounds it.
func BenchmarkUpcastStep(b *testing.B) {
	h := bus.Chain(func(context.Context, *bus.Message) error { return nil },
		middleware.Upcast(&middleware.UpcastOptions{Current: 2, Steps: map[int]func([]byte) ([]byte, error){
			1: func(payload []byte) ([]byte, error) { return payload, nil },
		}}))
	value, encoded := topic.NewEvent("two pencils", topic.Metadata{}), [][]byte{[]byte("two pencils")}
	message := bus.NewMessage(&bus.Party{Role: bus.RoleSubscriber}, codec.String)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		e := value
		e.Meta().SetEncoded(encoded)
		message.Reset(e.Meta(), &e, &e.Value)
		if err := h(ctx, message); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDeduplicate(b *testing.B) {
	var number uint64
	key := make([]byte, 8)
	benchmark(b, middleware.Deduplicate(&middleware.DeduplicateOptions{Key: func(*bus.Message) string {
		number++
		return string(binary.BigEndian.AppendUint64(key[:0], number))
	}}), order("7"))
}

func BenchmarkDuplicate(b *testing.B) { benchmark(b, middleware.Duplicate(), order("7")) }

func BenchmarkFault(b *testing.B) { benchmark(b, middleware.Fault(nil), order("7")) }
