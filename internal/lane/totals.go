package lane

// Totals are the counters of a queue, read at one moment: Matched is the sum of all others.
type Totals struct {
	Matched   uint64 // events that were for this queue
	Queued    uint64 // waiting, measured
	Running   uint64 // in a handler, measured
	Succeeded uint64
	Failed    uint64
	Dropped   uint64 // by the overflow policy
	Abandoned uint64 // waiting when the queue was closed
}

// Totals reads the counters.
func (g *Gate) Totals() Totals {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.totals
	t.Matched += g.tail
	t.Queued = uint64(g.length())
	for _, w := range g.active {
		w.addTo(&t)
	}
	return t
}
