package lane

import (
	"slices"
	"sync/atomic"
	"time"
)

const (
	// watchInterval is how often the watchdog looks.
	watchInterval = 250 * time.Millisecond
	// dropInterval is how often it tells of events that one member has dropped.
	dropInterval = time.Second
)

// Report is what the watchdog of a roster tells. Both functions are called without locks.
type Report struct {
	// Slow is called for an event that a handler has been at for at least After, once for each. After of 0 or less means never.
	Slow  func(m *Member, age time.Duration, depth uint64)
	After time.Duration
	// Dropped is called with how many events a member has dropped since the last call, at most once a second.
	Dropped func(m *Member, n uint64)
	// Tick, if not nil, is called whenever Dropped might be, and after Ask.
	Tick func()
}

// watch looks at the members at work now and then, so that handlers pay nothing for being watched. Its goroutine runs only while there may be
// something to tell.
type watch struct {
	Report
	running  bool // guarded by Roster.mu, like the rest up to done
	again    bool // it has been asked to begin while it ran
	stopped  bool
	dropping []*Member
	quit     chan struct{}
	done     chan struct{}

	asked atomic.Bool // Tick is to be called

	seen      map[*Worker]sight // only the goroutine uses it, and stop after it
	lastDrops time.Time
}

// sight is what was seen of a worker, the first time that it was at the same event.
type sight struct {
	batch    uint64
	finished int
	since    time.Time
	told     bool
}

// Watch sets what is told, before the first member works.
func (r *Roster) Watch(report Report) { r.watch.Report = report }

// begin starts the watchdog. The caller holds mu.
func (r *Roster) begin() {
	w := &r.watch
	if w.again = w.running; w.running || w.stopped || w.Slow == nil {
		return
	}
	w.running, w.quit, w.done = true, make(chan struct{}), make(chan struct{})
	go r.look(w.quit, w.done)
}

// resume starts the watchdog because somebody whom it has told of goes on.
func (r *Roster) resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin()
}

// note makes the watchdog tell that m drops events. The caller holds m's lock.
func (r *Roster) note(m *Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch.dropping = append(r.watch.dropping, m)
	r.begin()
}

// Ask makes the watchdog call Tick, within a second or so.
func (r *Roster) Ask() {
	if r.watch.asked.Load() {
		return
	}
	r.watch.asked.Store(true)
	r.resume()
}

// look looks at all members at work until there is nothing more to tell.
func (r *Roster) look(quit, done chan struct{}) {
	defer close(done)
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			r.mu.Lock()
			r.watch.again = false
			working := slices.Clone(r.working)
			r.mu.Unlock()
			busy := r.watch.tellSlow(working, now)
			if now.Sub(r.watch.lastDrops) >= dropInterval {
				r.watch.lastDrops = now
				r.tellDropped()
			}
			r.mu.Lock()
			if !busy && !r.watch.again && len(r.watch.dropping) == 0 && !r.watch.asked.Load() {
				r.watch.running = false
				r.mu.Unlock()
				return
			}
			r.mu.Unlock()
		case <-quit:
			return
		}
	}
}

// tellSlow tells of events that are being handled for long. It reports whether there may be more to tell.
func (w *watch) tellSlow(working []*Member, now time.Time) (more bool) {
	if w.After <= 0 {
		return false
	}
	seen := make(map[*Worker]sight, len(working))
	for _, m := range working {
		for worker, s := range m.sights(now) {
			if before, ok := w.seen[worker]; ok && before.batch == s.batch && before.finished == s.finished {
				s = before
			}
			age := now.Sub(s.since)
			if age >= w.After && !s.told {
				s.told = true
				w.Slow(m, age, m.Totals().Queued)
			}
			seen[worker] = s
			more = more || !s.told
		}
	}
	w.seen = seen
	return more
}

// tellDropped tells what members have dropped.
func (r *Roster) tellDropped() {
	r.mu.Lock()
	dropping := r.watch.dropping
	r.watch.dropping = nil
	r.mu.Unlock()
	for _, m := range dropping {
		r.watch.Dropped(m, m.dropped())
	}
	r.watch.asked.Store(false) // before looking: what is to be told after that asks again
	if r.watch.Tick != nil {
		r.watch.Tick()
	}
}

// Stop ends the watchdog, waits for it, and tells what is left to tell of dropped events.
func (r *Roster) Stop() {
	r.mu.Lock()
	w := &r.watch
	w.stopped = true
	running, quit, done := w.running, w.quit, w.done
	r.mu.Unlock()
	if running {
		close(quit)
		<-done
	}
	if w.Dropped != nil {
		r.tellDropped()
	}
}
