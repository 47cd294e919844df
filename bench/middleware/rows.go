package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/middleware/metrics"
	"github.com/rs/zerolog"
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
	for _, of := range []struct {
		name   string
		target target
		chain  bus.Middleware
	}{
		{"Log, to nowhere", none, middleware.Log(zerolog.Nop())},
		{"Metrics", within(250, 0), measured.Middleware()},
		{"context.WithTimeout", none, withTimeout()}, // what Timeout is compared with
		{"Recover", within(50, 0), middleware.Recover()},
	} {
		if of.chain.Err != nil {
			return nil, fmt.Errorf("%s: %w", of.name, of.chain.Err)
		}
		all = append(all, row{of.name, of.target, around(of.chain)})
	}
	return all, nil
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
