// Command middleware prints what each middleware costs an event, as a table in Markdown:
//
//	go -C bench/middleware run .
//
// Each row is measured against the same call without the middleware, which takes its turn in the same round; a figure is the median of the
// differences. The time is that of the processor, which what else the machine does hardly changes. It is a module of its own, because it needs
// what only some middleware need.
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"testing"
	"time"
)

func main() {
	testing.Init() // the flags of testing.Benchmark
	rounds := flag.Int("rounds", 5, "how often each row is measured; the figures are medians")
	of := flag.Duration("time", 300*time.Millisecond, "how long a row is measured in a round")
	flag.Parse()
	if err := run(os.Stdout, *rounds, of.String()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes the table. of is how long a row is measured in a round, or how often: as the flag -test.benchtime has it.
func run(to io.Writer, rounds int, of string) error {
	if err := flag.Set("test.benchtime", of); err != nil {
		return err
	}
	all, err := rows()
	if err != nil {
		return err
	}
	costs, err := measure(all, rounds)
	if err != nil {
		return err
	}
	table := "| middleware | ns | allocations | target |\n|---|---|---|---|\n"
	for i, r := range all {
		table += fmt.Sprintf("| %s | %d | %d | %v |\n", r.name, int(math.Round(costs[i].ns)), costs[i].allocs, r.target)
	}
	_, err = io.WriteString(to, table)
	return err
}
