package bustest_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

func TestPlanIsChecked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plan bustest.Plan
		want string
	}{
		"drop too much":      {bustest.Plan{Drop: 1.5}, "bustest.Plan.Drop is 1.5, it must be 0 to 1"},
		"drop less":          {bustest.Plan{Drop: -0.1}, "bustest.Plan.Drop is -0.1, it must be 0 to 1"},
		"duplicate too much": {bustest.Plan{Duplicate: 2}, "bustest.Plan.Duplicate is 2, it must be 0 to 1"},
		"no number":          {bustest.Plan{Duplicate: math.NaN()}, "bustest.Plan.Duplicate is NaN, it must be 0 to 1"},
		"delay":              {bustest.Plan{Delay: -time.Second}, "bustest.Plan.Delay is -1s, it must be 0 or more"},
		"read":               {bustest.Plan{Read: -1}, "bustest.Plan.Read is -1ns, it must be 0 or more"},
		"step before":        {bustest.Plan{Steps: []bustest.Step{{Heal: "a"}, {At: -1, Kill: "a"}}}, "bustest.Plan.Steps[1].At is -1ns, it must be 0 or more"},
		"step without name": {bustest.Plan{Steps: []bustest.Step{{At: 1}}},
			`bustest.Plan.Steps[0] is "a step with 0 names", it must be a step with one of Partition, Heal and Kill`},
		"step with two": {bustest.Plan{Steps: []bustest.Step{{Heal: "a", Kill: "b"}}},
			`bustest.Plan.Steps[0] is "a step with 2 names", it must be a step with one of Partition, Heal and Kill`},
		"extremes": {bustest.Plan{Drop: 1, Duplicate: 1, Steps: []bustest.Step{{Kill: "a"}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failures := faketb.Run(t, func(t testing.TB) { bustest.NewFaults(t, tc.plan) }).Failures
			if failures != tc.want {
				t.Errorf("failures %q, want %q", failures, tc.want)
			}
		})
	}
}

// TestSeed is not parallel: it changes the environment.
func TestSeed(t *testing.T) {
	t.Setenv("FANFARE_SEED", "")
	if a, b := bustest.NewFaults(t, bustest.Plan{}).Seed(), bustest.NewFaults(t, bustest.Plan{}).Seed(); a == b || a == 0 || b == 0 {
		t.Errorf("the random seeds are %d and %d", a, b)
	}
	t.Setenv("FANFARE_SEED", "1234")
	if seed := bustest.NewFaults(t, bustest.Plan{}).Seed(); seed != 1234 {
		t.Errorf("the seed is %d, not that of the environment", seed)
	}
	if seed := bustest.NewFaults(t, bustest.Plan{Seed: 7}).Seed(); seed != 7 {
		t.Errorf("the seed is %d, not that of the plan", seed)
	}
	for _, bad := range []string{"many", "0", "-1"} {
		t.Setenv("FANFARE_SEED", bad)
		failures := faketb.Run(t, func(t testing.TB) { bustest.NewFaults(t, bustest.Plan{}) }).Failures
		if want := fmt.Sprintf("the environment variable FANFARE_SEED is %q, it must be a number of 1 to 18446744073709551615", bad); failures != want {
			t.Errorf("failures %q, want %q", failures, want)
		}
	}
}

func TestFailedTestsLogTheSeed(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{true, false} {
		log := faketb.Run(t, func(t testing.TB) {
			f := bustest.NewFaults(t, bustest.Plan{Seed: 1234})
			tr := f.Wrap("billing", bustest.Memory().Open(t)())
			defer tr.Close()
			for range 40 {
				f.Partition("billing")
				f.Heal("billing")
			}
			if fails {
				t.Errorf("no order")
			}
		}).Log
		if !fails {
			if log != "" {
				t.Errorf("a test that has not failed logs %q", log)
			}
			continue
		}
		first, rest, _ := strings.Cut(log, "\n")
		if first != "bustest.Faults: seed 1234 replays this (Plan.Seed, or FANFARE_SEED=1234)" {
			t.Errorf("the log begins with %q", first)
		}
		lines := strings.Split(rest, "\n")
		if len(lines) != 51 || lines[0] != "\t(30 earlier faults)" || lines[49] != "\tbilling partitioned" || lines[50] != "\tbilling healed" {
			t.Errorf("the log has %d lines: %q", len(lines), lines)
		}
	}
}

// TestRandomSeedsAreLogged at once, since a bubble in a deadlock comes to no end.
func TestRandomSeedsAreLogged(t *testing.T) {
	t.Parallel()
	var f *bustest.Faults
	outcome := faketb.Run(t, func(t testing.TB) { f = bustest.NewFaults(t, bustest.Plan{}) })
	if want := fmt.Sprintf("bustest.Faults: seed %d", f.Seed()); outcome.Log != want {
		t.Errorf("logged %q, want %q", outcome.Log, want)
	}
	if outcome := faketb.Run(t, func(t testing.TB) { bustest.NewFaults(t, bustest.Plan{Seed: 7}) }); outcome.Log != "" {
		t.Errorf("logged %q of a seed that the test has chosen", outcome.Log)
	}
}
