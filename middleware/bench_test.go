package middleware_test

import (
	"context"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// measure calls a handler that does nothing through a chain, with a context that can end as that of a subscription. What it takes without a
// chain is BenchmarkBare.
func measure(b *testing.B, chain ...bus.Middleware) {
	b.Helper()
	measureMessage(b, message(topic.Metadata{ID: "7", Time: time.Now()}), succeed, chain...)
}

// measureMessage is measure for any message, and any handler that succeeds.
func measureMessage(b *testing.B, m *bus.Message, handle bus.Handler, chain ...bus.Middleware) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	h := bus.Chain(handle, chain...)
	b.ReportAllocs()
	for b.Loop() {
		if err := h(ctx, m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBare is a call without middleware: it is part of all others.
func BenchmarkBare(b *testing.B) { measure(b) }

func BenchmarkRecover(b *testing.B) { measure(b, middleware.Recover()) }

// BenchmarkTimeout and BenchmarkContextWithTimeout do the same job. A parent of its own is made in both, and is part of the figure.
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
		{"derived", func(ctx context.Context) {
			_, cancel := context.WithCancel(ctx)
			cancel()
		}},
	} {
		handle := func(ctx context.Context, _ *bus.Message) error {
			use.of(ctx)
			return nil
		}
		b.Run(use.name, func(b *testing.B) { measureMessage(b, order("7"), handle, m) })
		b.Run(use.name+" with a parent of its own", func(b *testing.B) { measureMessage(b, order("7"), handle, ownParent(), m) })
	}
}

// ownParent gives each call a context of its own, as that of a publish or a request.
func ownParent() bus.Middleware {
	return bus.Wrap("own parent", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return next(ctx, m)
		}
	})
}

// BenchmarkRetry is one whose first attempt succeeds.
func BenchmarkRetry(b *testing.B) { measure(b, middleware.Retry(nil)) }

// BenchmarkIgnoreErrors is one without an error.
func BenchmarkIgnoreErrors(b *testing.B) { measure(b, middleware.IgnoreErrors(errNoStock)) }

// BenchmarkDelayOnError is one without an error.
func BenchmarkDelayOnError(b *testing.B) { measure(b, middleware.DelayOnError(nil)) }

// BenchmarkDelay is one of an event that is old enough.
func BenchmarkDelay(b *testing.B) { measure(b, middleware.Delay(1)) }

// BenchmarkLog is one of events that pass: whose level is left out, or that are written to nowhere, all or one of a hundred.
func BenchmarkLog(b *testing.B) {
	for _, tc := range []struct {
		name    string
		level   zerolog.Level
		options *middleware.LogOptions
	}{
		{"disabled", zerolog.InfoLevel, nil},
		{"all", zerolog.DebugLevel, nil},
		{"sampled", zerolog.DebugLevel, &middleware.LogOptions{Sampler: &zerolog.BasicSampler{N: 100}}},
	} {
		b.Run(tc.name, func(b *testing.B) { measure(b, middleware.Log(zerolog.New(io.Discard).Level(tc.level), tc.options)) })
	}
}

func BenchmarkCircuitBreaker(b *testing.B) { measure(b, middleware.CircuitBreaker(nil)) }

func BenchmarkThrottle(b *testing.B) { measure(b, middleware.Throttle(1e12, 1000)) }

func BenchmarkThrottleByKey(b *testing.B) {
	measure(b, middleware.ThrottleByKey(1e12, 1000, nil))
}

func BenchmarkBulkhead(b *testing.B) { measure(b, middleware.Bulkhead(4, nil)) }

func BenchmarkFilter(b *testing.B) {
	measure(b, middleware.Filter(func(m *bus.Message) bool { return m.Header("country") == "" }))
}

func BenchmarkValidate(b *testing.B) {
	measure(b, middleware.Validate(func(context.Context, *bus.Message) error { return nil }))
}

// BenchmarkUpcast is one of events of the current version, and of some before it: of which the step does nothing.
func BenchmarkUpcast(b *testing.B) {
	upcast := middleware.Upcast(&middleware.UpcastOptions{Current: 2, Steps: map[int]func([]byte) ([]byte, error){
		1: func(payload []byte) ([]byte, error) { return payload, nil },
	}})
	b.Run("current", func(b *testing.B) {
		measureMessage(b, message(topic.Metadata{Headers: map[string]string{"schema-version": "2"}}), succeed, upcast)
	})
	b.Run("step", func(b *testing.B) {
		value, encoded := topic.NewEvent("two pencils", topic.Metadata{}), [][]byte{[]byte("two pencils")}
		again := bus.Wrap("again", func(next bus.Handler) bus.Handler { // as it came
			return func(ctx context.Context, m *bus.Message) error {
				e := value
				e.Meta().SetEncoded(encoded)
				m.Reset(e.Meta(), &e, &e.Value)
				return next(ctx, m)
			}
		})
		measure(b, again, upcast)
	})
}

func BenchmarkDeduplicate(b *testing.B) {
	var number uint64
	key := make([]byte, 8)
	measure(b, middleware.Deduplicate(&middleware.DeduplicateOptions{Key: func(*bus.Message) string {
		number++
		return string(binary.BigEndian.AppendUint64(key[:0], number))
	}}))
}

func BenchmarkDuplicate(b *testing.B) { measure(b, middleware.Duplicate()) }

func BenchmarkFault(b *testing.B) { measure(b, middleware.Fault(nil)) }
