package fault

import "errors"

// errPartitioned is why connections end at a partition.
var errPartitioned = errors.New("partitioned by bustest.Faults")

// partition cuts the transport off.
func (t *wrapped) partition() {
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
func (t *wrapped) heal() {
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
func (t *wrapped) setCut(cut bool) bool {
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
func (f *Injector) align() {
	for _, t := range f.all() {
		if t.tasking != nil {
			t.tasking.align()
		}
	}
}
