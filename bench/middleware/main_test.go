package main

import (
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The table has a line for each row, and no row allocates more than it may. Times are not tested: they are the machine's as well.
func TestTable(t *testing.T) {
	all, err := rows()
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := run(&table, 1, "2000x"); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(table.String()), "\n")
	if len(lines) != len(all)+2 {
		t.Fatalf("%d lines for %d rows:\n%s", len(lines), len(all), table.String())
	}
	for i, r := range all {
		line := regexp.MustCompile(`^\| ` + regexp.QuoteMeta(r.name) + ` \| -?\d+ \| -?\d+ \| ` + regexp.QuoteMeta(r.target.String()) + ` \|$`)
		if !line.MatchString(lines[i+2]) {
			t.Errorf("%q, want %v", lines[i+2], line)
		}
	}
	costs, err := measure(all, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range all {
		if r.target.set && costs[i].allocs > r.target.allocs {
			t.Errorf("%s: %d allocations an event, the target is %v", r.name, costs[i].allocs, r.target)
		}
	}
}

// A benchmark that fails is an error, and no figure.
func TestMeasureFails(t *testing.T) {
	fails := func(b *testing.B) { b.Fatal("on purpose") }
	if costs, err := measure([]row{{name: "bad", pair: pair{with: fails, without: func(*testing.B) {}}}}, 1); err == nil || !strings.Contains(err.Error(), "bad") {
		t.Errorf("%v, %v", costs, err)
	}
}
