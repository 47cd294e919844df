package lane

// Totals are the counters of a subscription, read at one moment: Matched is the sum of all others.
type Totals struct {
	Matched   uint64 // events that were for this subscription
	Queued    uint64 // waiting, measured
	Running   uint64 // in a handler, measured
	Succeeded uint64
	Failed    uint64
	Filtered  uint64 // the handler did not want
	Dropped   uint64 // by the overflow policy
	Abandoned uint64 // waiting when the subscription was closed
}

// Totals reads the counters.
func (m *Member) Totals() Totals {
	m.gate.mu.Lock()
	defer m.gate.mu.Unlock()
	return m.read()
}

// read is Totals for callers that hold the lock.
func (m *Member) read() Totals {
	t := m.totals
	m.gate.backlog.count(m, &t)
	for _, w := range m.active {
		w.addTo(&t)
	}
	return t
}
