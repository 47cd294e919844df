package bus

import (
	"cmp"
	"slices"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/internal/lane"
)

// Lane is what events are put into for one subscription or for several that share it: a log or a queue. Package subscriber implements it;
// it is exported for the module's own packages.
type Lane interface {
	// Target is the entry that publishers lock and ask for room.
	Target() *lane.Entry
	// Deliver appends an encoded event that was published on this bus as another Go type. The entry is locked, and has room.
	Deliver(m *envelope.Meta)
	// Offer appends an event from the transport. When the policy is to wait for room, and there is none, it returns what to wait at.
	Offer(m *envelope.Meta) (full *lane.Gate)
	// Bare returns the origin to give to a message without a topic, nil when it is not wanted.
	Bare(payload []byte) *envelope.Origin
}

// Inline is a subscription whose handler publishers call themselves, as the bus sees it.
type Inline interface {
	// State has its counters and its end.
	State() *lane.Inline
	// CallEncoded calls the handler, after Begin, with an event that is still to be decoded.
	CallEncoded(c *InlineCaller, m envelope.Meta) error
	// Bare is that of Lane.
	Bare(payload []byte) *envelope.Origin
}

// Targets are what a route leads to. They never change: a route gets new ones.
type Targets struct {
	Lanes   []Lane
	Inlines []Inline
	entries []*lane.Entry // of all of them, in the order in which they are locked
	locked  []*lane.Entry // those that have a lock of their own
	alone   *lane.Entry   // the only one, if it has not, or one that always has room, if there is none
}

// newTargets returns the targets of the given subscriptions.
func newTargets(sinks []Sink) *Targets {
	t := &Targets{}
	seen := make(map[Lane]struct{}, len(sinks))
	for _, s := range sinks {
		if i := s.Inline(); i != nil {
			t.Inlines = append(t.Inlines, i)
			continue
		}
		l := s.Lane()
		if _, shared := seen[l]; !shared {
			seen[l] = struct{}{}
			t.Lanes = append(t.Lanes, l)
		}
	}
	t.order()
	return t
}

// with returns the targets with those of s: t itself when they are there already.
func (t *Targets) with(s Sink) *Targets {
	next := &Targets{Lanes: slices.Clone(t.Lanes), Inlines: slices.Clone(t.Inlines)}
	switch l := s.Lane(); {
	case s.Inline() != nil:
		next.Inlines = append(next.Inlines, s.Inline())
	case slices.Contains(t.Lanes, l):
		return t
	default:
		next.Lanes = append(next.Lanes, l)
	}
	next.order()
	return next
}

// order sorts the lanes by the order in which they are locked.
func (t *Targets) order() {
	slices.SortFunc(t.Lanes, func(a, b Lane) int { return cmp.Compare(a.Target().ID, b.Target().ID) })
	for _, l := range t.Lanes {
		t.entries = append(t.entries, l.Target())
	}
	for _, i := range t.Inlines {
		t.entries = append(t.entries, &i.State().Entry)
	}
	slices.SortFunc(t.entries, func(a, b *lane.Entry) int { return cmp.Compare(a.ID, b.ID) })
	for _, e := range t.entries {
		if e.Own() {
			t.locked = append(t.locked, e)
		}
	}
	switch {
	case len(t.entries) == 0:
		t.alone = lane.Nothing()
	case len(t.entries) == 1 && len(t.locked) == 0:
		t.alone = t.entries[0]
	}
}

// all returns every lane and inline subscription; none of nil.
func (t *Targets) all() (all []any) {
	if t == nil {
		return nil
	}
	for _, l := range t.Lanes {
		all = append(all, l)
	}
	for _, i := range t.Inlines {
		all = append(all, i)
	}
	return all
}

// nowhere are the targets of what is not for this bus.
var nowhere = &Targets{}

// full returns a gate that has no room for an event published on this bus, nil if there is none. One that has publishes fail comes first.
func (t *Targets) full() (full *lane.Gate) {
	for _, e := range t.entries {
		if g := e.Full(); g != nil && (full == nil || g.Policy == lane.Fail) {
			full = g
		}
	}
	return full
}
