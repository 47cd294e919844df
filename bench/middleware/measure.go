package main

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// pair are two benchmarks whose difference is measured.
type pair struct{ with, without func(*testing.B) }

// cost is what an event costs.
type cost struct {
	ns     float64
	allocs int64
}

// measure returns what each row costs: the medians of some rounds.
func measure(all []row, rounds int) ([]cost, error) {
	costs := make([]cost, len(all))
	ns, allocs := make([][]float64, len(all)), make([][]int64, len(all))
	for range rounds {
		for i, r := range all {
			without, with := testing.Benchmark(r.without), testing.Benchmark(r.with)
			if without.N == 0 || with.N == 0 {
				return nil, fmt.Errorf("%s: the benchmark failed", r.name)
			}
			ns[i] = append(ns[i], with.Extra[unit]-without.Extra[unit])
			allocs[i] = append(allocs[i], with.AllocsPerOp()-without.AllocsPerOp())
		}
	}
	for i := range all {
		slices.Sort(ns[i])
		slices.Sort(allocs[i])
		costs[i] = cost{ns[i][len(ns[i])/2], allocs[i][len(allocs[i])/2]}
	}
	return costs, nil
}

// unit is that of the time of an event.
const unit = "cpu-ns/op"

// report reports how much time an event took, since what processorTime returned at the beginning, and ends the measuring.
func report(b *testing.B, begin time.Duration) {
	b.StopTimer()
	b.ReportMetric(float64(processorTime()-begin)/float64(b.N), unit)
}

// processorTime returns how long processors have worked for this process. Unlike the time of a clock it is the same when the machine has
// other work as well.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // it has no error but for wrong arguments
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
