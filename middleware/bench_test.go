package middleware_test

import (
	"context"
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
