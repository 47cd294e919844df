package bus_test

import (
	"slices"

	"github.com/fanfare-go/fanfare/subscriber"
)

// look checks what holds at every moment. At least so many events are being handled.
func (m *tracked) look(running int) {
	s := m.sub.Load()
	if s == nil {
		return
	}
	w := m.w
	w.mu.Lock()
	entered := m.entered
	before := m.before
	w.mu.Unlock()
	st := s.Stats()
	w.mu.Lock()
	defer w.mu.Unlock()
	if sum := st.Queued + st.Running + st.Succeeded + st.Failed + st.Filtered + st.Dropped + st.Abandoned; st.Matched != sum {
		w.t.Errorf("%s: matched %d, the others add up to %d: %+v", m.name, st.Matched, sum, st)
	}
	if int(st.Running) < max(running, entered-m.left()) {
		w.t.Errorf("%s: %+v, but at least %d or %d handlers run", m.name, st, running, entered-m.left())
	}
	if m.Type < 2 && (int(st.Succeeded) > m.succeeded || int(st.Failed) > m.failed || int(st.Filtered) > m.refused) {
		w.t.Errorf("%s: %+v, but its handlers have returned from %d, failed at %d, and refused %d", m.name, st, m.succeeded, m.failed, m.refused)
	}
	if st.Succeeded < before.Succeeded || st.Failed < before.Failed || st.Filtered < before.Filtered || st.Dropped < before.Dropped || st.Abandoned < before.Abandoned || m.Group == "" && st.Matched < before.Matched {
		w.t.Errorf("%s: %+v after %+v", m.name, st, before)
	}
	if m.Group == "" && m.Kind != inline && int(st.Queued) > m.Queue {
		w.t.Errorf("%s: %+v, but no more than %d may wait", m.name, st, m.Queue)
	}
	if m.lossless() && st.Dropped > 0 {
		w.t.Errorf("%s: %+v, but it drops nothing", m.name, st)
	}
	if running == 0 { // one caller at a time
		m.before = st
	}
}

// glance is look for all subscriptions.
func (w *world) glance() {
	for _, m := range w.all() {
		m.look(0)
	}
}

// settled checks what holds when nothing moves: every counter is what the test has counted.
func (w *world) settled() {
	w.glance()
	totals := map[*share]subscriber.Stats{}
	entered := map[*share]int{}
	known := map[*share]bool{}
	for _, m := range w.all() {
		s := m.sub.Load()
		if s == nil {
			known[m.share] = false
			continue
		}
		if _, ok := known[m.share]; !ok {
			known[m.share] = true
		}
		st := s.Stats()
		w.mu.Lock()
		t := totals[m.share]
		t.Matched, t.Queued, t.Running, t.Dropped, t.Abandoned = t.Matched+st.Matched, t.Queued+st.Queued, t.Running+st.Running, t.Dropped+st.Dropped, t.Abandoned+st.Abandoned
		totals[m.share] = t
		entered[m.share] += m.entered
		running, succeeded, failed, refused := m.entered-m.left(), m.succeeded, m.failed, m.refused
		if m.Kind == inline && w.pending() { // calls that come after one that blocks count as running
			running = max(running, int(st.Running))
			entered[m.share] += running - (m.entered - m.left())
		}
		if m.Type == 2 { // what does not decode fails, and no handler sees it
			failed = int(st.Failed)
			entered[m.share] += failed
		}
		if int(st.Running) != running || int(st.Succeeded) != succeeded || int(st.Failed) != failed || int(st.Filtered) != refused {
			w.t.Errorf("%s: %+v, but %d run, %d have succeeded, %d failed, %d refused", m.name, st, running, succeeded, failed, refused)
		}
		if m.closing == 0 && !w.ending && st.Abandoned > 0 {
			w.t.Errorf("%s: %+v, but it was not closed", m.name, st)
		}
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for q, t := range totals {
		if !known[q] {
			continue // a member is a loop, whose counters nobody can read
		}
		must, may := w.due(q)
		if int(t.Matched) < must || int(t.Matched) > may {
			w.t.Errorf("%s: %+v, but %d to %d events were for it", q.name, t, must, may)
		}
		if queued := int(t.Matched) - entered[q] - int(t.Dropped) - int(t.Abandoned); int(t.Queued) != queued {
			w.t.Errorf("%s: %+v, but %d wait", q.name, t, queued)
		}
		if room := w.capacity(q); int(t.Queued) > room {
			w.t.Errorf("%s: %+v, but no more than %d may wait", q.name, t, room)
		}
		lingers := func(m *tracked) bool { return m.share == q && m.Kind == batch && m.Linger > 0 }
		if t.Queued > 0 && t.Running == 0 && !slices.ContainsFunc(w.subs, lingers) {
			w.t.Errorf("%s: %+v: nobody handles what waits", q.name, t)
		}
	}
	delivered, refused := 0, 0
	for _, p := range w.events {
		if p.delivered {
			delivered++
		}
		if p.refused != nil {
			refused++
		}
	}
	if st := w.bus.Stats(); int(st.Published) != delivered || int(st.Refused) != refused {
		w.t.Errorf("%+v, but %d were accepted and %d refused", st, delivered, refused)
	}
}

// capacity returns how many events may wait for a share: those of its members, and as many more as came before one of them had left. The
// caller holds mu.
func (w *world) capacity(q *share) (n int) {
	left := 0
	for _, m := range w.subs {
		if m.share == q && m.closing > 0 {
			left = max(left, m.closed)
		}
	}
	last := 0 // the last event that was accepted
	for _, p := range w.events {
		if m := w.named(q.name); p.delivered && m.selects.Match(places[p.on]) {
			last = max(last, p.begin)
		}
	}
	for _, m := range w.subs {
		if m.share != q {
			continue
		}
		if m.closing == 0 || last < left || m.closed == 0 || !m.lossless() { // what drops for an event drops one
			n += m.Queue
		}
	}
	return n
}

// due counts the events that were for a share: those that must, and those that may have been because it came or went at the time. The caller holds
// mu.
func (w *world) due(q *share) (must, may int) {
	for _, p := range w.events {
		sure, perhaps := false, false
		for _, m := range w.subs {
			if m.share != q || !p.delivered || !m.selects.Match(places[p.on]) || m.sub.Load() == nil {
				continue
			}
			gone := m.closing > 0 && p.begin > m.closed && m.closed > 0
			if p.end > 0 && p.end < m.opening || gone {
				continue
			}
			perhaps = true
			sure = sure || p.begin > m.open && m.open > 0 && (m.closing == 0 || p.end > 0 && p.end < m.closing)
		}
		if sure {
			must++
		}
		if perhaps {
			may++
		}
	}
	return must, may
}
