package middleware_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/rs/zerolog"
)

// all are the middleware of this package, from the outermost to the innermost: the documentation and errors tell their names and phases.
var all = []struct {
	made     bus.Middleware
	name     string
	phase    bus.Phase
	attempts int
}{
	{middleware.Delay(1), "delay", bus.PhaseSchedule, 0},
	{middleware.Correlation(), "correlation", bus.PhaseCorrelate, 0},
	{middleware.Log(zerolog.Nop(), nil), "log", bus.PhaseObserve, 0},
	{middleware.DeadLetter("orders.dead", nil), "dead letter", bus.PhaseDeadLetter, 0},
	{middleware.IgnoreErrors(errNoStock), "ignore errors", bus.PhaseOutcome, 0},
	{middleware.DelayOnError(nil), "delay on error", bus.PhaseOutcome, 0},
	{middleware.Upcast(&middleware.UpcastOptions{Current: 1}), "upcast", bus.PhaseUpcast, 0},
	{middleware.Deduplicate(nil), "deduplicate", bus.PhaseAdmit, 0},
	{middleware.Filter(wantSeven), "filter", bus.PhaseAdmit, 0},
	{middleware.Validate(func(context.Context, *bus.Message) error { return nil }), "validate", bus.PhaseAdmit, 0},
	{middleware.Retry(nil), "retry", bus.PhaseRetry, 3},
	{middleware.CircuitBreaker(nil), "circuit breaker", bus.PhaseProtect, 0},
	{middleware.Throttle(1, 1), "throttle", bus.PhaseProtect, 0},
	{middleware.ThrottleByKey(1, 1, nil), "throttle by key", bus.PhaseProtect, 0},
	{middleware.Bulkhead(1, nil), "bulkhead", bus.PhaseProtect, 0},
	{middleware.Timeout(1), "timeout", bus.PhaseTimeout, 0},
	{middleware.Recover(), "recover", bus.PhaseRecover, 0},
	{middleware.Fault(nil), "fault", bus.PhaseSimulate, 0},
	{middleware.Duplicate(), "duplicate", bus.PhaseSimulate, 2},
}

func TestPhases(t *testing.T) {
	t.Parallel()
	for _, want := range all {
		if m := want.made; m.Name != want.name || m.Phase != want.phase || m.Attempts != want.attempts || m.Err != nil {
			t.Errorf("%q in phase %v with %d attempts, %v; want %q in phase %v with %d", m.Name, m.Phase, m.Attempts, m.Err, want.name, want.phase, want.attempts)
		}
	}
}

// TestOrderOfAny checks every two of them in both orders: wrong ones are refused with an error that names both and the right order.
func TestOrderOfAny(t *testing.T) {
	t.Parallel()
	for _, outer := range all {
		for _, inner := range all {
			b, err := bus.New(&bus.Options{Subscribe: []bus.Middleware{outer.made, inner.made}})
			if err == nil {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}
			switch same := outer.name == inner.name; {
			case same && (outer.phase == bus.PhaseRetry || outer.phase == bus.PhaseObserve):
				checkOrder(t, err, outer.name, inner.name, outer.name)
			case outer.phase > inner.phase:
				checkOrder(t, err, outer.name, inner.name, inner.name, outer.name)
			case err != nil:
				t.Errorf("%s outside of %s: %v", outer.name, inner.name, err)
			}
		}
	}
}

// checkOrder checks what an error says of two middleware.
func checkOrder(t *testing.T, err error, outer, inner string, right ...string) {
	t.Helper()
	var wrong *bus.OrderError
	if !errors.As(err, &wrong) || wrong.Outer != outer || wrong.Inner != inner || wrong.Reason == "" || !slices.Equal(wrong.Right, right) {
		t.Errorf("%s outside of %s: %v", outer, inner, err)
	}
}

// TestOrderOfAll has all of them in one chain, on both sides.
func TestOrderOfAll(t *testing.T) {
	t.Parallel()
	var chain []bus.Middleware
	for _, m := range all {
		chain = append(chain, m.made)
	}
	b, err := bus.New(&bus.Options{Publish: chain, Subscribe: chain})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
