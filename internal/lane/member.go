package lane

import (
	"slices"
	"time"
)

// Member is a subscription as its queue knows it: its workers, its counters and its end.
type Member struct {
	// Name names the subscription, and Site is the program counter of the call that made it.
	Name string
	Site uintptr

	gate   *Gate
	roster *Roster
	place  int // in the roster, which guards it

	// Guarded by gate.mu.
	limit  int       // workers at the same time
	active []*Worker // those that have a goroutine
	totals Totals    // without what is queued or being handled
	told   uint64    // dropped events that the watchdog has told of
	noted  bool      // the watchdog is to tell of dropped events
	closed bool
	done   chan struct{}
}

func (m *Member) init(c *Config, workers int, g *Gate) {
	*m = Member{Name: c.Name, Site: c.Site, gate: g, roster: c.Roster, limit: workers, done: make(chan struct{})}
}

// Gate returns what publishers wait at for the subscription. Members of a group have the same.
func (m *Member) Gate() *Gate { return m.gate }

// Done is closed when the subscription was closed and its last handler has returned.
func (m *Member) Done() <-chan struct{} { return m.done }

// enter adds a worker. The caller holds the lock.
func (m *Member) enter(w *Worker) {
	if len(m.active) == 0 {
		m.roster.add(m)
	}
	m.active = append(m.active, w)
}

// leave takes a worker that has no more to do off the list. The caller holds the lock.
func (m *Member) leave(w *Worker) {
	w.begin(0)
	i := slices.Index(m.active, w)
	last := len(m.active) - 1
	m.active[i], m.active[last] = m.active[last], nil
	if m.active = m.active[:last]; last == 0 {
		m.roster.remove(m)
		m.rest()
	}
}

// rest tells the end of a closed member that nobody works for any more. The caller holds the lock.
func (m *Member) rest() {
	if m.closed && len(m.active) == 0 {
		close(m.done)
	}
}

// drop counts an event that the policy dropped. The caller holds the lock.
func (m *Member) drop() {
	m.totals.Dropped++
	if !m.noted {
		m.noted = true
		m.roster.note(m)
	}
}

// dropped returns how many events were dropped since the last call.
func (m *Member) dropped() uint64 {
	m.gate.mu.Lock()
	defer m.gate.mu.Unlock()
	n := m.totals.Dropped - m.told
	m.told, m.noted = m.totals.Dropped, false
	return n
}

// sights returns what each worker is at, and asks them all to call resume at the next event. It asks before it looks, so that a worker
// that goes on after the look has heard.
func (m *Member) sights(now time.Time) map[*Worker]sight {
	m.gate.mu.Lock()
	defer m.gate.mu.Unlock()
	if len(m.active) > 0 {
		m.gate.watched = true
		m.gate.alert.Store(true)
	}
	all := make(map[*Worker]sight, len(m.active))
	for _, w := range m.active {
		if finished := w.get().finished(); finished < w.size {
			all[w] = sight{batch: w.batch, finished: finished, since: now}
		}
	}
	return all
}
