package bus

import (
	"cmp"
	"slices"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/lane"
)

// maxPast is how many names of subscriptions that have ended are remembered.
const maxPast = 1024

// SubscriptionStats are the counters of all subscriptions of a bus that have, or had, the same name and selector. Those of each are read at
// one moment, at which they add up: Matched = Queued + Running + Succeeded + Failed + Filtered + Dropped + Abandoned.
type SubscriptionStats struct {
	Name     string // empty for those of names that there was no room to remember
	Selector string // the topic, prefix or pattern; empty as well if there was no room

	Open      int    // how many there are now
	Matched   uint64 // events that were for them
	Queued    uint64 // waiting now
	Running   uint64 // in handlers now
	Succeeded uint64 // handlers returned nil
	Failed    uint64 // handlers returned an error, panicked or ended their goroutine, or the payload did not decode
	Filtered  uint64 // handlers returned ErrFiltered
	Dropped   uint64 // by the overflow policy
	Abandoned uint64 // waiting when a subscription was closed
}

func (s *SubscriptionStats) add(t lane.Totals) {
	s.Matched += t.Matched
	s.Queued += t.Queued
	s.Running += t.Running
	s.Succeeded += t.Succeeded
	s.Failed += t.Failed
	s.Filtered += t.Filtered
	s.Dropped += t.Dropped
	s.Abandoned += t.Abandoned
}

// Subscriptions returns the counters of the subscriptions of the bus, by name and selector. What was closed goes on to count with others of
// its name and selector, so that Succeeded, Failed, Filtered, Dropped and Abandoned never go back. That holds for 1024 names and selectors of
// subscriptions that have ended; what others have counted is in one more element, without a name.
//
// It may be called concurrently, and from handlers, and locks each subscription for a moment. The caller owns the slice.
func (b *Bus) Subscriptions() []SubscriptionStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	sums := make(past, b.sinks.Len()+len(b.leaving)+len(b.past))
	for label, s := range b.past {
		sum := *s
		sums[label] = &sum
	}
	for s := range b.sinks.All {
		sum := sums.of(label{s.Member().Name, s.Selector().String()})
		sum.add(s.Member().Totals())
		sum.Open++
	}
	for _, m := range b.leaving {
		sums.of(m.label()).add(m.Totals())
	}
	all := make([]SubscriptionStats, 0, len(sums))
	for _, s := range sums {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(x, y SubscriptionStats) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Selector, y.Selector))
	})
	return all
}

// label is what the counters of subscriptions are told apart by.
type label struct{ name, selector string }

// past has sums of counters.
type past map[label]*SubscriptionStats

// of returns the sums for a label.
func (p past) of(l label) *SubscriptionStats {
	s := p[l]
	if s == nil {
		s = &SubscriptionStats{Name: l.name, Selector: l.selector}
		p[l] = s
	}
	return s
}

// departing is a subscription that was closed.
type departing struct {
	*lane.Member
	selector string
}

func (d departing) label() label { return label{d.Name, d.selector} }

// ended reports whether its last handler has returned, and it counts no more.
func (d departing) ended() bool { return change.Closed(d.Done()) }

// leave remembers a subscription that was closed: it itself until it has ended, then what it has counted. The caller holds mu.
func (b *Bus) leave(s Sink) {
	if b.past == nil {
		b.past = past{}
	}
	b.leaving = slices.DeleteFunc(append(b.leaving, departing{s.Member(), s.Selector().String()}), func(d departing) bool {
		if !d.ended() {
			return false
		}
		l := d.label()
		if b.past[l] == nil && len(b.past) >= maxPast {
			l = label{}
		}
		b.past.of(l).add(d.Totals())
		return true
	})
}
