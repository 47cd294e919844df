package bustest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

const (
	// maxLog is how many lines a Faults remembers: a long test must not fill the memory.
	maxLog = 10_000
	// shownLog is how many lines a test that fails logs.
	shownLog = 50
)

// FaultStats count what a [Faults] has done, since it was made.
type FaultStats struct {
	// Dropped and Duplicated count messages by the plan; Delayed those that came later than they could.
	Dropped, Duplicated, Delayed uint64
	// Lost counts messages that were lost because of a partition.
	Lost uint64
	// Partitions, Heals and Kills count what was done to transports, by the plan and by hand.
	Partitions, Heals, Kills uint64
}

// faultLog is what was done. Its methods may be called concurrently.
type faultLog struct {
	mu      sync.Mutex
	stats   FaultStats
	lines   []string
	earlier int // lines that are not there any more
}

// add counts something, and notes a line about it unless that is empty.
func (l *faultLog) add(counter func(*FaultStats) *uint64, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*counter(&l.stats)++
	if line == "" {
		return
	}
	if len(l.lines) == maxLog {
		l.earlier += maxLog / 2
		l.lines = slices.Delete(l.lines, 0, maxLog/2)
	}
	l.lines = append(l.lines, line)
}

func (l *faultLog) dropped(a arrival) {
	l.add(func(s *FaultStats) *uint64 { return &s.Dropped }, a.to+" dropped "+a.String())
}

func (l *faultLog) duplicated(a arrival) {
	l.add(func(s *FaultStats) *uint64 { return &s.Duplicated }, a.to+" duplicated "+a.String())
}

func (l *faultLog) delayed() { l.add(func(s *FaultStats) *uint64 { return &s.Delayed }, "") }

// lost notes a message that was lost in a partition, at the transport of that name.
func (l *faultLog) lost(name string, a arrival) {
	l.add(func(s *FaultStats) *uint64 { return &s.Lost }, name+" lost "+a.String()+" in the partition")
}

func (l *faultLog) partitioned(name string) {
	l.add(func(s *FaultStats) *uint64 { return &s.Partitions }, name+" partitioned")
}

func (l *faultLog) healed(name string) {
	l.add(func(s *FaultStats) *uint64 { return &s.Heals }, name+" healed")
}

func (l *faultLog) killed(name string) {
	l.add(func(s *FaultStats) *uint64 { return &s.Kills }, name+" killed")
}

// report returns the last lines, for the log of a test.
func (l *faultLog) report() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	first := max(len(l.lines)-shownLog, 0)
	if hidden := l.earlier + first; hidden > 0 {
		fmt.Fprintf(&b, "\n\t(%d earlier faults)", hidden)
	}
	for _, line := range l.lines[first:] {
		b.WriteString("\n\t" + line)
	}
	return b.String()
}

// Stats returns how much was done. It may be called concurrently.
func (f *Faults) Stats() FaultStats {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	return f.log.stats
}

// Log returns what was done, in the order in which it was, a line each such as "billing dropped orders.created #3 from shop". Delays are
// only counted. Of more than 10,000 lines at least the last 5,000 are there. What happens to different transports at the same time may be in another
// order when the test runs again. It may be called concurrently; the caller owns the slice.
func (f *Faults) Log() []string {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	return slices.Clone(f.log.lines)
}
