package lane

import "sync"

// Roster knows which members of a bus are at work. A member costs its lock when its first worker begins and when its last one ends.
type Roster struct {
	mu      sync.Mutex
	working []*Member // each knows its place
	idle    chan struct{}
	watch   watch
}

// add notes that m has begun to work. The caller holds m's lock.
func (r *Roster) add(m *Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.place = len(r.working)
	r.working = append(r.working, m)
	r.begin()
}

// remove notes that m works no more. The caller holds m's lock.
func (r *Roster) remove(m *Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.working) - 1
	r.working[m.place] = r.working[last]
	r.working[m.place].place = m.place
	r.working[last] = nil
	if r.working = r.working[:last]; last == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// Idle returns nil when nothing is queued and no handler runs, else a channel that is closed as soon as that is so.
func (r *Roster) Idle() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.working) == 0 {
		return nil
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	return r.idle
}
