package fault

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

const (
	// maxLog is how many lines an Injector remembers: a long test must not fill the memory.
	maxLog = 10_000
	// shownLog is how many lines Report returns.
	shownLog = 50
)

// Stats count what an [Injector] has done, since it was made.
type Stats struct {
	// Dropped and Duplicated count messages by the plan; Delayed those that came later than they could.
	Dropped, Duplicated, Delayed uint64
	// Lost counts messages that were lost because of a partition.
	Lost uint64
	// Partitions, Heals and Kills count what was done to transports, by the plan and by hand.
	Partitions, Heals, Kills uint64
}

// log is what was done. Its methods may be called concurrently.
type log struct {
	mu      sync.Mutex
	stats   Stats
	lines   []string
	earlier int // lines that are not there any more
}

// add counts something, and notes a line about it unless that is empty.
func (l *log) add(counter func(*Stats) *uint64, line string) {
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

func (l *log) dropped(a arrival) {
	l.add(func(s *Stats) *uint64 { return &s.Dropped }, a.to+" dropped "+a.String())
}

func (l *log) duplicated(a arrival) {
	l.add(func(s *Stats) *uint64 { return &s.Duplicated }, a.to+" duplicated "+a.String())
}

func (l *log) delayed() { l.add(func(s *Stats) *uint64 { return &s.Delayed }, "") }

// lost notes a message that was lost in a partition, at the transport of that name.
func (l *log) lost(name string, a arrival) {
	l.add(func(s *Stats) *uint64 { return &s.Lost }, name+" lost "+a.String()+" in the partition")
}

func (l *log) partitioned(name string) {
	l.add(func(s *Stats) *uint64 { return &s.Partitions }, name+" partitioned")
}

func (l *log) healed(name string) {
	l.add(func(s *Stats) *uint64 { return &s.Heals }, name+" healed")
}

func (l *log) killed(name string) {
	l.add(func(s *Stats) *uint64 { return &s.Kills }, name+" killed")
}

// Stats returns how much was done.
func (f *Injector) Stats() Stats {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	return f.log.stats
}

// Log returns what was done, in the order in which it was, a line each. Of more than 10,000 lines at least the last 5,000 are there. The
// caller owns the slice.
func (f *Injector) Log() []string {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	return slices.Clone(f.log.lines)
}

// Report returns the last 50 lines of the log, each after a line break and a tab, and how many there were before them.
func (f *Injector) Report() string {
	l := &f.log
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
