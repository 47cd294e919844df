package middleware_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// TestDelayOnError checks how long each event of a chain takes, by what its handler returns.
func TestDelayOnError(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	inline := &bus.InlineError{Topic: "orders.created", Err: errNoStock}
	for name, tc := range map[string]struct {
		options *middleware.DelayOnErrorOptions
		role    bus.Role
		errs    []error
		want    []time.Duration
	}{
		"defaults": {nil, bus.RoleSubscriber, slices.Repeat([]error{errNoStock}, 9),
			[]time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10000 * ms, 10000 * ms}},
		"success":          {nil, bus.RoleSubscriber, []error{nil, errNoStock, errNoStock, nil, errNoStock}, []time.Duration{0, 100 * ms, 200 * ms, 0, 100 * ms}},
		"filtered":         {nil, bus.RoleSubscriber, []error{errNoStock, bus.ErrFiltered, errNoStock}, []time.Duration{100 * ms, 0, 200 * ms}},
		"inline handler":   {nil, bus.RolePublisher, []error{inline, errNoStock, inline}, []time.Duration{0, 100 * ms, 0}},
		"handler's inline": {nil, bus.RoleSubscriber, []error{inline, inline}, []time.Duration{100 * ms, 200 * ms}},
		"limits":           {&middleware.DelayOnErrorOptions{Initial: 2, Max: 3}, bus.RoleSubscriber, []error{errNoStock, errNoStock, errNoStock}, []time.Duration{2, 3, 3}},
		"below":            {&middleware.DelayOnErrorOptions{Max: 3}, bus.RoleSubscriber, []error{errNoStock, errNoStock}, []time.Duration{3, 3}},
		"above":            {&middleware.DelayOnErrorOptions{Initial: time.Hour}, bus.RoleSubscriber, []error{errNoStock, errNoStock}, []time.Duration{time.Hour, time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				h := bus.Chain(func(context.Context, *bus.Message) error { n++; return tc.errs[n-1] }, middleware.DelayOnError(tc.options))
				for i, want := range tc.want {
					begin := time.Now()
					if err := h(t.Context(), messageOf(tc.role, "two pencils", topic.Metadata{})); err != tc.errs[i] {
						t.Errorf("event %d: got %v, want %v", i, err, tc.errs[i])
					}
					if took := time.Since(begin); took != want {
						t.Errorf("event %d took %v, want %v", i, took, want)
					}
				}
			})
		})
	}
}

// TestDelayOnErrorIsPerChain has two chains with the same value.
func TestDelayOnErrorIsPerChain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := middleware.DelayOnError(nil)
		for range 2 {
			begin := time.Now()
			if err := call(t.Context(), func(context.Context) error { return errNoStock }, m); err != errNoStock {
				t.Errorf("got %v", err)
			}
			if took := time.Since(begin); took != 100*time.Millisecond {
				t.Errorf("took %v", took)
			}
		}
	})
}

// TestDelayOnErrorEndsWithItsContext closes the bus in a pause: the event has failed with the handler's error.
func TestDelayOnErrorEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(t)
		b := bustest.New(t, &bus.Options{Logger: &log})
		sub := handle(t, b, func(string) error { return errNoStock }, middleware.DelayOnError(&middleware.DelayOnErrorOptions{Initial: time.Hour}))
		if err := publish(t, b, "first"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := sub.Stats(); s.Running != 1 {
			t.Errorf("in the pause: stats %+v", s)
		}
		begin := time.Now()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		<-b.Done()
		if entries := logged(); time.Since(begin) != 0 || len(entries) != 1 || entries[0].Error != "no stock left" {
			t.Errorf("after %v: log %+v", time.Since(begin), entries)
		}
	})
}

// TestDelayOnErrorLetsPanicsPass checks that a panic is no failure that it counts, where nothing inside makes an error of it.
func TestDelayOnErrorLetsPanicsPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		defer func() {
			if v := recover(); v != any(errNoStock) || time.Since(begin) != 0 {
				t.Errorf("panicked with %v after %v", v, time.Since(begin))
			}
		}()
		err := call(t.Context(), func(context.Context) error { panic(errNoStock) }, middleware.DelayOnError(nil))
		t.Errorf("it has returned %v", err)
	})
}

func TestDelayOnErrorRefusesOptions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		options middleware.DelayOnErrorOptions
		field   string
		value   time.Duration
	}{
		{middleware.DelayOnErrorOptions{Initial: -1}, "Initial", -1},
		{middleware.DelayOnErrorOptions{Initial: math.MaxInt64}, "Initial", math.MaxInt64},
		{middleware.DelayOnErrorOptions{Initial: 2, Max: 1}, "Initial", 2},
		{middleware.DelayOnErrorOptions{Max: -1}, "Max", -1},
		{middleware.DelayOnErrorOptions{Max: math.MaxInt64}, "Max", math.MaxInt64},
	} {
		if got := checkRefused(t, middleware.DelayOnError(&tc.options), "middleware.DelayOnErrorOptions."+tc.field); got != tc.value {
			t.Errorf("%s: the value is %v, want %v", tc.field, got, tc.value)
		}
	}
	if m := middleware.DelayOnError(&middleware.DelayOnErrorOptions{Initial: 8760 * time.Hour}); m.Err != nil {
		t.Errorf("a year is refused: %v", m.Err)
	}
}
