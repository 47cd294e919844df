package match_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/match"
)

func sensor(i int) string {
	return fmt.Sprintf("sensors.%06d.", i*7919%1_000_000)
}

func BenchmarkIndexAppend(b *testing.B) {
	for _, bc := range []struct {
		name     string
		size     int
		selector func(i int) match.Selector
		topic    string
		want     int
	}{
		{"names", 1_000_000, func(i int) match.Selector { return match.Exact(sensor(i)) }, sensor(0), 1},
		{"names/miss", 1_000_000, func(i int) match.Selector { return match.Exact(sensor(i)) }, "sensors.x", 0},
		{"prefixes", 100_000, func(i int) match.Selector {
			return match.Prefix([]string{"", "sensors.", sensor(i)}[min(2, i)])
		}, sensor(5) + "temperature", 3},
		{"patterns", 100_000, func(i int) match.Selector {
			return pattern(b, []string{"sensors.>", "*.*.temperature", sensor(i) + "*"}[min(2, i)])
		}, sensor(5) + "temperature", 3},
		{"patterns/hostile", 1 << 14, func(i int) match.Selector { // "a" and "*" in all orders: every node is visited
			segments := strings.Split("a a a a a a a a a a a a a a x", " ")
			for bit := range 14 {
				if i>>bit&1 == 1 {
					segments[bit] = "*"
				}
			}
			return pattern(b, strings.Join(segments, "."))
		}, strings.Repeat("a.", 14) + "a", 0},
	} {
		b.Run(fmt.Sprintf("%s/entries=%d", bc.name, bc.size), func(b *testing.B) {
			var x match.Index[int]
			for i := range bc.size {
				x.Add(bc.selector(i), i)
			}
			var dst []int
			b.ReportAllocs()
			for b.Loop() {
				if dst = x.Append(dst[:0], bc.topic); len(dst) != bc.want {
					b.Fatalf("%d values, want %d", len(dst), bc.want)
				}
			}
		})
	}
}

// BenchmarkIndexGrow adds entries to an empty index and removes them: one operation is one entry.
func BenchmarkIndexGrow(b *testing.B) {
	const size = 1_000_000
	for name, selector := range map[string]func(i int) match.Selector{
		"names":    func(i int) match.Selector { return match.Exact(sensor(i)) },
		"values":   func(int) match.Selector { return match.Exact("sensors") },
		"prefixes": func(i int) match.Selector { return match.Prefix(sensor(i)) },
		"patterns": func(i int) match.Selector { return pattern(b, sensor(i)+"*") },
	} {
		selectors := make([]match.Selector, size)
		for i := range selectors {
			selectors[i] = selector(i)
		}
		b.Run(fmt.Sprintf("%s/entries=%d", name, size), func(b *testing.B) {
			var add, remove timing
			for b.Loop() {
				var x match.Index[int]
				for i, s := range selectors {
					start := time.Now()
					x.Add(s, i)
					add.since(start)
				}
				for i, s := range selectors {
					start := time.Now()
					x.Remove(s, i)
					remove.since(start)
				}
			}
			add.report(b, "add")
			remove.report(b, "remove")
		})
	}
}

type timing struct {
	n            int
	sum, longest time.Duration
}

func (t *timing) since(start time.Time) {
	took := time.Since(start)
	t.n++
	t.sum += took
	t.longest = max(t.longest, took)
}

func (t *timing) report(b *testing.B, what string) {
	b.ReportMetric(float64(t.sum.Nanoseconds())/float64(t.n), "ns/"+what)
	b.ReportMetric(float64(t.longest.Microseconds()), "µs/longest-"+what)
}

// BenchmarkIndexAddRemove is a subscription that comes and goes among a million others.
func BenchmarkIndexAddRemove(b *testing.B) {
	for name, selector := range map[string]func(i int) match.Selector{
		"name":    func(i int) match.Selector { return match.Exact(sensor(i)) },
		"prefix":  func(i int) match.Selector { return match.Prefix(sensor(i)) },
		"pattern": func(i int) match.Selector { return pattern(b, sensor(i)+"*") },
	} {
		b.Run(name, func(b *testing.B) {
			var x match.Index[int]
			for i := range 1_000_000 - 1 {
				x.Add(selector(i), i)
			}
			s := selector(1_000_000 - 1)
			b.ReportAllocs()
			for b.Loop() {
				x.Add(s, -1)
				x.Remove(s, -1)
			}
		})
	}
}

// TestIndexMemory measures the heap, so it does not run in parallel.
func TestIndexMemory(t *testing.T) {
	const n = 60_000
	for name, tc := range map[string]struct {
		selector func(i int) match.Selector
		limit    int // bytes an entry, beyond the string
	}{
		"names":    {func(i int) match.Selector { return match.Exact(fmt.Sprintf("%d.inbox", i)) }, 120},
		"values":   {func(int) match.Selector { return match.Exact("inbox") }, 120},
		"prefixes": {func(i int) match.Selector { return match.Prefix(fmt.Sprintf("%d.inbox", i)) }, 250},
		"patterns": {func(i int) match.Selector { return pattern(t, fmt.Sprintf("inbox.%d.*", i)) }, 250},
	} {
		t.Run(name, func(t *testing.T) {
			selectors := make([]match.Selector, n)
			values := make([]int, n)
			for i := range selectors {
				selectors[i] = tc.selector(i)
			}
			var x match.Index[*int]
			before := heap()
			for i, s := range selectors {
				x.Add(s, &values[i])
			}
			if got := (heap() - before) / n; got > tc.limit {
				t.Errorf("an entry costs %d bytes, the limit is %d", got, tc.limit)
			} else {
				t.Logf("an entry costs %d bytes", got)
			}
			for i, s := range selectors {
				x.Remove(s, &values[i])
			}
			if got := heap() - before; got > 20_000 {
				t.Errorf("the index that was emptied holds %d bytes", got)
			}
			runtime.KeepAlive(selectors)
			runtime.KeepAlive(values)
			runtime.KeepAlive(&x)
		})
	}
}

// heap returns the bytes in use.
func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
