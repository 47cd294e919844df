package bustest

import (
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// partition cuts the transport off.
func (t *faulty) partition() {
	if !t.setCut(true) {
		return
	}
	t.faults.log.partitioned(t.name)
	t.peers.align(t)
	if t.requesting != nil {
		t.requesting.lose()
		t.requesting.abandon(nil)
	}
	for _, other := range t.faults.all() {
		if other.requesting != nil {
			other.requesting.abandon(t)
		}
	}
	t.faults.align()
	t.changed.Tell()
}

// heal connects the transport again.
func (t *faulty) heal() {
	end := func() bool { return t.setCut(false) }
	if t.retaining != nil {
		end = t.retaining.publishHeld
	}
	if !end() {
		return
	}
	t.faults.log.healed(t.name)
	t.resubscribe()
	t.peers.align(t)
	t.faults.align()
	t.changed.Tell()
}

// setCut notes whether the transport is cut off, and reports whether that is new. One that has ended is not cut off.
func (t *faulty) setCut(cut bool) bool {
	f := t.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.cut.Load() == cut || cut && t.over() {
		return false
	}
	t.cut.Store(cut)
	if cut {
		f.cuts.Add(1)
	} else {
		f.cuts.Add(-1)
	}
	return true
}

// align has the workers and producers of all transports see what is cut off now: peers of a transport know it.
func (f *Faults) align() {
	for _, t := range f.all() {
		if t.tasking != nil {
			t.tasking.align()
		}
	}
}

// resubscribe has peers send again what they keep, as they do for one that has connected again.
func (t *faulty) resubscribe() {
	if t.retaining == nil {
		return
	}
	p := &t.prefixes
	p.mu.Lock()
	all := slices.Sorted(maps.Keys(p.all))
	p.mu.Unlock()
	for _, prefix := range all { // what fails has ended, or was never there
		if t.real.Subscribe(prefix) == nil {
			_ = t.real.Unsubscribe(prefix)
		}
	}
}

// missed are the events that were published by transports with faults while another one was cut off. It decides at the time of publishing, so that
// what is lost does not depend on when the receiver gets around to reading.
type missed struct {
	mu     sync.Mutex
	ranges map[missedTopic][]missedRange
}

type missedTopic struct {
	source uuid.UUID
	topic  string
}

type missedRange struct{ first, last uint64 }

func (m *missed) add(source uuid.UUID, topic string, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ranges == nil {
		m.ranges = map[missedTopic][]missedRange{}
	}
	key := missedTopic{source, topic}
	all := m.ranges[key]
	if last := len(all) - 1; last >= 0 && all[last].last+1 == seq {
		all[last].last = seq
		return
	}
	m.ranges[key] = append(all, missedRange{seq, seq})
}

// remove takes the last event back: it was not published after all, and its number goes to another one.
func (m *missed) remove(source uuid.UUID, topic string, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.ranges[missedTopic{source, topic}]
	if last := len(all) - 1; last >= 0 && all[last].last == seq {
		all[last].last--
	}
}

// has reports whether an event is among them.
func (m *missed) has(source uuid.UUID, topic string, seq uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.ranges[missedTopic{source, topic}], func(r missedRange) bool { return r.first <= seq && seq <= r.last })
}
