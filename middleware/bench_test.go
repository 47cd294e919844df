package middleware_test

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/topic"
)

// measure calls a handler that does nothing through a chain, with a context that can end as that of a subscription. What it takes without a
// chain is BenchmarkBare.
func measure(b *testing.B, chain ...bus.Middleware) {
	b.Helper()
	measureHandler(b, func(context.Context, *bus.Message) error { return nil }, chain...)
}

// measureHandler is measure for any handler that succeeds.
func measureHandler(b *testing.B, handle bus.Handler, chain ...bus.Middleware) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	m := message(topic.Metadata{Time: time.Now()})
	h := bus.Chain(handle, chain...)
	b.ReportAllocs()
	for b.Loop() {
		if err := h(ctx, m); err != nil {
// benchmark measures a handler that does nothing inside of m.
func benchmark(b *testing.B, m bus.Middleware, message *bus.Message) {
	h := bus.Chain(func(context.Context, *bus.Message) error { return nil }, m)
	ctx := b.Context()
		if err := h(ctx, message); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBare is a call without middleware: it is part of all others.
func BenchmarkBare(b *testing.B) { measure(b) }

func BenchmarkRecover(b *testing.B) { measure(b, middleware.Recover()) }

// BenchmarkTimeout and BenchmarkContextWithTimeout do the same job.
func BenchmarkTimeout(b *testing.B) { benchmarkTimeout(b, middleware.Timeout(time.Minute)) }

func BenchmarkContextWithTimeout(b *testing.B) {
	benchmarkTimeout(b, bus.Wrap("context", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			return next(ctx, m)
		}
	}))
}

func benchmarkTimeout(b *testing.B, m bus.Middleware) {
	for _, use := range []struct {
		name string
		of   func(context.Context)
	}{
		{"unused", func(context.Context) {}},
		{"err", func(ctx context.Context) { _ = ctx.Err() }},
		{"done", func(ctx context.Context) { ctx.Done() }},
	} {
		b.Run(use.name, func(b *testing.B) {
			measureHandler(b, func(ctx context.Context, _ *bus.Message) error {
				use.of(ctx)
				return nil
			}, m)
		})
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
