package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// met returns what each of n calls has met, one letter for each: e an error, p a panic, a dot nothing; and how long all were late.
func met(t *testing.T, h bus.Handler, n int) (letters string, late time.Duration) {
	t.Helper()
	begin := time.Now()
	for range n {
		var err error
		panicked := apart(func() { err = h(t.Context(), order("7")) })
		fault, _ := panicked.(error)
		switch {
		case errors.Is(fault, middleware.ErrFault):
			letters += "p"
		case errors.Is(err, middleware.ErrFault):
			letters += "e"
		case err == nil && panicked == nil:
			letters += "."
		default:
			t.Errorf("%v, panic %v", err, panicked)
		}
	}
	return letters, time.Since(begin)
}

// TestFaultSchedule checks that a seed makes the same faults, in each chain its own, and how many there are.
func TestFaultSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		o := middleware.FaultOptions{Seed: 42, Errors: 0.2, Panics: 0.1, Delays: 0.5, MaxDelay: time.Second}
		var seen []string
		for range 2 {
			m := middleware.Fault(&o)
			for chain := range 2 {
				letters, late := met(t, bus.Chain(succeed, m), n)
				seen = append(seen, fmt.Sprint(letters, late))
				if e, p := strings.Count(letters, "e"), strings.Count(letters, "p"); e < 140 || e > 220 || p < 70 || p > 130 {
					t.Errorf("chain %d met %d errors and %d panics in %d calls", chain, e, p, n)
				}
				if late < 200*time.Second || late > 300*time.Second {
					t.Errorf("chain %d was late for %v in all", chain, late)
				}
			}
		}
		o.Seed = 43
		letters, late := met(t, bus.Chain(succeed, middleware.Fault(&o)), n)
		if other := fmt.Sprint(letters, late); seen[0] != seen[2] || seen[1] != seen[3] || seen[0] == seen[1] || other == seen[0] {
			t.Error("the same seed and chain make other faults, or another seed or chain the same")
		}
		o.Seed, o.Delays = 42, 0
		if letters, late := met(t, bus.Chain(succeed, middleware.Fault(&o)), n); !strings.HasPrefix(seen[0], letters) || late != 0 {
			t.Error("without delays there are other errors")
		}
	})
}

// TestFaultAlways checks each fault by itself, and what goes before what.
func TestFaultAlways(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options *middleware.FaultOptions
		want    string
	}{
		"nil options":     {nil, "..."},
		"errors":          {&middleware.FaultOptions{Errors: 1}, "eee"},
		"panics":          {&middleware.FaultOptions{Panics: 1}, "ppp"},
		"both":            {&middleware.FaultOptions{Errors: 1, Panics: 1}, "ppp"},
		"delays":          {&middleware.FaultOptions{Delays: 1}, "..."},
		"late and failed": {&middleware.FaultOptions{Errors: 1, Delays: 1}, "eee"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				letters, late := met(t, bus.Chain(returning(&calls, nil), middleware.Fault(tc.options)), 3)
				if letters != tc.want || calls != strings.Count(tc.want, ".") {
					t.Errorf("met %s in %d calls, want %s", letters, calls, tc.want)
				}
				if delays := tc.options != nil && tc.options.Delays == 1; delays != (late > 0) || late > 300*time.Millisecond {
					t.Errorf("late for %v", late)
				}
			})
		})
	}
}

func TestFaultErrors(t *testing.T) {
	t.Parallel()
	err := bus.Chain(succeed, middleware.Fault(&middleware.FaultOptions{Errors: 1, Err: errNoStock}))(t.Context(), order("7"))
	if !errors.Is(err, middleware.ErrFault) || !errors.Is(err, errNoStock) || err.Error() != "middleware: fault injected: no stock left" {
		t.Error(err)
	}
	recovered := bus.Chain(succeed, middleware.Recover(), middleware.Fault(&middleware.FaultOptions{Panics: 1}))(t.Context(), order("7"))
	if panicked := (*bus.PanicError)(nil); !errors.As(recovered, &panicked) || !errors.Is(recovered, middleware.ErrFault) {
		t.Errorf("inside of Recover: %v", recovered)
	}
	if err := bus.Chain(returning(new(int), errNoStock), middleware.Fault(nil))(t.Context(), order("7")); err != errNoStock {
		t.Errorf("the handler's error: %v", err)
	}
}

func TestFaultDelayEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		begin, calls := time.Now(), 0
		h := bus.Chain(returning(&calls, nil), middleware.Fault(&middleware.FaultOptions{Delays: 1, MaxDelay: time.Hour}))
		if err := h(ctx, order("7")); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, middleware.ErrFault) || calls != 0 {
			t.Errorf("%v, %d calls", err, calls)
		}
		if took := time.Since(begin); took != time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// TestFaultAbruptly has handlers that do not return: the schedule goes on.
func TestFaultAbruptly(t *testing.T) {
	t.Parallel()
	for name, handler := range abruptly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &middleware.FaultOptions{Errors: 0.5}
			want, _ := met(t, bus.Chain(succeed, middleware.Fault(o)), 20)
			got := ""
			h := bus.Chain(handler, middleware.Fault(o))
			for range 20 {
				letter := "." // the handler was called, and did not return
				apart(func() {
					if err := h(t.Context(), order("7")); errors.Is(err, middleware.ErrFault) {
						letter = "e"
					}
				})
				got += letter
			}
			if got != want {
				t.Errorf("met %s, want %s", got, want)
			}
		})
	}
}

// TestFaultManyWorkers checks that as many calls fail, whoever makes them.
func TestFaultManyWorkers(t *testing.T) {
	t.Parallel()
	o := &middleware.FaultOptions{Seed: 7, Errors: 0.3}
	letters, _ := met(t, bus.Chain(succeed, middleware.Fault(o)), 800)
	h := bus.Chain(succeed, middleware.Fault(o))
	var failed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if h(t.Context(), order("7")) != nil {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if want := strings.Count(letters, "e"); int(failed.Load()) != want {
		t.Errorf("%d calls failed, want %d", failed.Load(), want)
	}
}

func TestFaultOnABus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		var handled []string
		sub := handle(t, b, func(value string) error { handled = append(handled, value); return nil },
			middleware.Fault(&middleware.FaultOptions{Seed: 1, Errors: 0.3, Panics: 0.3}))
		for range 100 {
			if err := publish(t, b, "first"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if s := sub.Stats(); int(s.Succeeded) != len(handled) || s.Failed != 100-s.Succeeded || s.Failed < 30 || s.Failed > 70 {
			t.Errorf("stats %+v", s)
		}
		if err := publish(t, b, "second", middleware.Fault(&middleware.FaultOptions{Errors: 1})); !errors.Is(err, middleware.ErrFault) {
			t.Errorf("Publish returned %v", err)
		}
		synctest.Wait()
		if slices.Contains(handled, "second") {
			t.Error("it was published")
		}
	})
}

func TestFaultOptions(t *testing.T) {
	t.Parallel()
	for _, p := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		checkRefused(t, middleware.Fault(&middleware.FaultOptions{Errors: p}), "middleware.FaultOptions.Errors")
		checkRefused(t, middleware.Fault(&middleware.FaultOptions{Panics: p}), "middleware.FaultOptions.Panics")
		checkRefused(t, middleware.Fault(&middleware.FaultOptions{Delays: p}), "middleware.FaultOptions.Delays")
	}
	checkRefused(t, middleware.Fault(&middleware.FaultOptions{MaxDelay: -1}), "middleware.FaultOptions.MaxDelay")
}
