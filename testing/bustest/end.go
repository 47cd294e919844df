package bustest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/testing/bustest/internal/fault"
)

// patience is how long helpers wait for what must happen. Inside a synctest bubble that is virtual time.
const patience = 10 * time.Second

// allow is the advice to tests that leave something undone.
const allow = " (if the test means that, bustest.AllowUndelivered says so)"

// allowance is what a bus of New may do, and whose it is.
type allowance struct {
	t           testing.TB
	undelivered atomic.Bool
}

// allowanceKey is what a bus keeps its allowance under.
type allowanceKey struct{}

// allowanceOf returns that of a bus, or what create makes for one that has none.
func allowanceOf(b *bus.Bus, create func() any) (a *allowance, release func()) {
	value, release := b.Share(allowanceKey{}, create)
	return value.(*allowance), release
}

// end ends a bus, and fails the test for what is not as it should be.
func end(t testing.TB, b *bus.Bus, allowed *allowance) {
	t.Helper()
	strict := strict(t, b, allowed)
	if strict {
		drain(t, b)
	} else if !t.Failed() && !allowed.undelivered.Load() {
		relent(b)
	}
	if err := b.Close(); err != nil {
		t.Errorf("closing %s: %v", called(b), err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-b.Done():
	case <-timer.C:
		t.Errorf("a handler is still running %v after %s was closed: %s", patience, called(b), running(b))
		return
	}
	for _, s := range b.Subscriptions() {
		if unbalanced(s) {
			t.Errorf("the counters of subscription %q do not add up: %+v", s.Name, s)
		}
	}
	if lost := undelivered(b); strict && lost != "" {
		t.Errorf("%s has undelivered events: %s"+allow, called(b), lost)
	}
}

// strict reports whether a bus is to have done everything in the end. What [Faults] have lost cannot be held against the code under test.
func strict(t testing.TB, b *bus.Bus, allowed *allowance) bool {
	return !t.Failed() && !allowed.undelivered.Load() && !fault.Spoilt(b.Transport())
}

// indulgence is how long a bus has in the end whose Faults have lost something.
const indulgence = time.Second

// relent lets a bus do what it can, when Faults may have made the rest impossible: its peers wait for what it has done.
func relent(b *bus.Bus) {
	idle()
	ctx, cancel := context.WithTimeout(context.Background(), indulgence)
	defer cancel()
	_ = b.Shutdown(ctx) // what it cannot do is not held against it
}

// drain lets a bus do what it has to do. If the test has begun to end it, the test knows what came of that.
func drain(t testing.TB, b *bus.Bus) {
	t.Helper()
	idle() // in a bubble, what is on its way arrives first
	own := !change.Closed(b.Draining())
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil && own {
		t.Errorf("%s is not done at the end of the test: %v"+allow, called(b), err)
	}
}

// called names a bus in failures.
func called(b *bus.Bus) string {
	if b.Name() == "" {
		return "the bus"
	}
	return fmt.Sprintf("the bus %q", b.Name())
}

// unbalanced reports whether a subscription that has ended counts otherwise than its contract says.
func unbalanced(s bus.SubscriptionStats) bool {
	return s.Queued != 0 || s.Running != 0 || s.Matched != s.Succeeded+s.Failed+s.Filtered+s.Dropped+s.Abandoned
}

// running names what has handlers that run.
func running(b *bus.Bus) string {
	var names []string
	for _, s := range b.Subscriptions() {
		if s.Running > 0 {
			names = append(names, fmt.Sprintf("%d of subscription %q", s.Running, s.Name))
		}
	}
	for _, s := range b.Services() {
		if s.Running > 0 {
			names = append(names, fmt.Sprintf("%d of %s %q", s.Running, s.Kind, s.Name))
		}
	}
	return strings.Join(names, ", ")
}

// undelivered says what a bus has accepted, or should have received, and no handler got.
func undelivered(b *bus.Bus) string {
	var parts []string
	add := func(n uint64, format string, args ...any) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d ", n)+fmt.Sprintf(format, args...))
		}
	}
	for _, s := range b.Subscriptions() {
		add(s.Dropped, "of %d were dropped by subscription %q", s.Matched, s.Name)
		add(s.Abandoned, "of %d were waiting when subscription %q was closed", s.Matched, s.Name)
	}
	stats := b.Stats()
	add(stats.Abandoned, "had been received and found no room before the end")
	add(stats.Lost, "are missing between those that were received")
	add(stats.Transport.Dropped, "were dropped by the transport")
	return strings.Join(parts, ", ")
}
