package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/middleware/metrics"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace/noop"
)

// row is a line of the table.
type row struct {
	name   string
	target target
	pair
}

// rows returns all of them.
func rows() ([]row, error) {
	measured, err := metrics.New(nil)
	if err != nil {
		return nil, err
	}
	all := []row{
		{"empty chain, queue", within(0, 0), emptyChain(false)},
		{"empty chain, inline", within(0, 0), emptyChain(true)},
	}
	yes := func(*bus.Message) bool { return true }
	for _, of := range []struct {
		name    string
		target  target
		chain   bus.Middleware
		handler bus.Handler
	}{
		{"Delay", none, middleware.Delay(time.Nanosecond), nothing},
		{"Correlation", none, middleware.Correlation(), nothing},
		{"Log, to nowhere", none, middleware.Log(zerolog.Nop(), nil), nothing},
		{"Tracing, no-op provider", within(50, 0), tracing.New(&tracing.Options{TracerProvider: noop.NewTracerProvider()}), nothing},
		{"Metrics", within(250, 0), measured.Middleware(), nothing},
		{"DeadLetter", none, middleware.DeadLetter("orders.dead", nil), nothing},
		{"IgnoreErrors", none, middleware.IgnoreErrors(context.Canceled), nothing},
		{"DelayOnError", none, middleware.DelayOnError(nil), nothing},
		{"Upcast, nothing to do", none, middleware.Upcast(&middleware.UpcastOptions{Current: 1}), nothing},
		{"Filter", none, middleware.Filter(yes), nothing},
		{"Validate", none, middleware.Validate(nothing), nothing},
		{"Deduplicate", none, middleware.Deduplicate(nil), nothing},
		{"Retry, first attempt", none, middleware.Retry(nil), nothing},
		{"CircuitBreaker", none, middleware.CircuitBreaker(nil), nothing},
		{"Throttle", none, middleware.Throttle(1e12, 1000), nothing},
		{"ThrottleByKey", none, middleware.ThrottleByKey(1e12, 1000, nil), nothing},
		{"Bulkhead", none, middleware.Bulkhead(4, nil), nothing},
		{"context.WithTimeout", none, withTimeout(), nothing}, // what Timeout is compared with
		{"Timeout", within(-1, 2), middleware.Timeout(time.Minute), nothing},
		{"context.WithTimeout, Done asked", none, withTimeout(), asking},
		{"Timeout, Done asked", within(-1, 2), middleware.Timeout(time.Minute), asking},
		{"context.WithTimeout, another derived", none, withTimeout(), deriving},
		{"Timeout, another derived", none, middleware.Timeout(time.Minute), deriving},
		{"Recover", within(50, 0), middleware.Recover(), nothing},
		{"Fault, that never comes", none, middleware.Fault(nil), nothing},
		{"Duplicate, both calls", none, middleware.Duplicate(), nothing},
	} {
		if of.chain.Err != nil {
			return nil, fmt.Errorf("%s: %w", of.name, of.chain.Err)
		}
		all = append(all, row{of.name, of.target, around(of.chain, of.handler)})
	}
	return all, nil
}

// nothing is a handler that does nothing.
func nothing(context.Context, *bus.Message) error { return nil }

// asking is a handler that watches its context.
func asking(ctx context.Context, _ *bus.Message) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	default:
		return nil
	}
}

// deriving is a handler that derives a context from its own, as a request of net/http does.
func deriving(ctx context.Context, _ *bus.Message) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return ctx.Err()
}

// withTimeout is what a program would write that has no Timeout.
func withTimeout() bus.Middleware {
	return bus.Wrap("context.WithTimeout", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			return next(ctx, m)
		}
	})
}

// target is what a middleware may cost.
type target struct {
	set    bool
	ns     float64 // -1: anything
	allocs int64
}

var none = target{}

// within is a target of time, in nanoseconds, and allocations.
func within(ns float64, allocs int64) target { return target{true, ns, allocs} }

// String tells it as the table does.
func (t target) String() string {
	switch {
	case !t.set:
		return "-"
	case t.ns < 0:
		return fmt.Sprintf("≤ %d allocations", t.allocs)
	case t.ns == 0:
		return "nothing"
	}
	return fmt.Sprintf("≤ %.0f ns, %d allocations", t.ns, t.allocs)
}
