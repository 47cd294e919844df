package deadline

import (
	"context"
	"sync"
	"time"
)

// nap is how long the timer runs at most before it looks again. What is kept while nobody waits is kept for as long.
const nap = time.Second

// watch ends the calls that are on it at their deadline or with their parent. Its timer runs on when the call that it was set for has ended: one that
// goes off in vain now and then costs less than one set and stopped for each call.
//
// No parent is asked anything while its lock is held: the parent may be a call on this watch.
type watch struct {
	mu    sync.Mutex
	all   call            // the ring of the calls on it, the one with the next deadline first
	timer *time.Timer     // nil before the first call
	due   time.Time       // when it goes off; zero: it does not run
	seen  <-chan struct{} // that of the last parent that was not the kept one's
	kept  *lineage        // nil if there is none
}

// lineage is what ends with one parent, and with the contexts derived from it that have the same channel.
type lineage struct {
	watch *watch
	done  <-chan struct{}
	stop  func() bool // detaches it
	calls int         // that are on watch
	over  bool
}

// add puts a call on it. It reports whether the call ends with its parent by that; else only its deadline is watched.
func (w *watch) add(c *call) (attached bool) {
	done := c.parent.Done()
	w.mu.Lock()
	var unused func() bool
	switch {
	case done == nil:
	case w.kept != nil && w.kept.done == done:
		c.lineage = w.kept
	case w.seen != done: // it may never come again
		w.seen = done
	default:
		w.mu.Unlock()
		l := w.attach(c.parent, done)
		w.mu.Lock()
		if l != nil && !l.over {
			unused = w.keep(l)
			c.lineage = l
		}
	}
	if c.lineage != nil {
		c.lineage.calls++
	}
	before := w.all.prev // deadlines come nearly in order, as those of a chain are equally long
	for before != &w.all && c.at.Before(before.at) {
		before = before.prev
	}
	c.prev, c.next = before, before.next
	c.prev.next, c.next.prev = c, c
	if w.due.IsZero() || c.at.Before(w.due) {
		w.start(c.at)
	}
	attached = done == nil || c.lineage != nil
	w.mu.Unlock()
	if unused != nil {
		unused()
	}
	return attached
}

// attach attaches a lineage to the parent, or rather to the context of package context that the parent has its channel from: so it holds on to
// nothing of a single call. nil if there is none: then it would need a goroutine.
func (w *watch) attach(parent context.Context, done <-chan struct{}) *lineage {
	known, ok := parent.Value(attachment).(context.Context)
	if !ok || known.Done() != done {
		return nil
	}
	l := &lineage{watch: w, done: done}
	l.stop = context.AfterFunc(known, l.end)
	return l
}

// keep keeps a lineage instead of the one before. It returns what detaches that, nil if it is still needed. The caller holds the lock.
func (w *watch) keep(l *lineage) (unused func() bool) {
	old := w.kept
	w.kept = l
	if old == nil || old.calls > 0 {
		return nil
	}
	return old.stop
}

// remove takes a call off, if it is on it.
func (w *watch) remove(c *call) {
	w.mu.Lock()
	if c.next == nil {
		w.mu.Unlock()
		return
	}
	c.prev.next, c.next.prev = c.next, c.prev
	c.prev, c.next = nil, nil
	var unused func() bool
	if l := c.lineage; l != nil {
		c.lineage = nil
		if l.calls--; l.calls == 0 && w.kept != l {
			unused = l.stop
		}
	}
	w.mu.Unlock()
	if unused != nil {
		unused()
	}
}

// start has the timer go off at that time, or before. The caller holds the lock.
func (w *watch) start(at time.Time) {
	now := time.Now()
	wait := min(at.Sub(now), nap)
	w.due = now.Add(wait)
	if w.timer == nil {
		w.timer = time.AfterFunc(wait, w.ring)
	} else {
		w.timer.Reset(wait)
	}
}

// ring ends the calls whose deadline has come. When there was none since it last rang, it keeps nothing and does not start again.
func (w *watch) ring() {
	w.mu.Lock()
	w.due = time.Time{}
	now := time.Now()
	var late []*call
	c := w.all.next
	for ; c != &w.all && !c.at.After(now); c = c.next {
		late = append(late, c)
	}
	var unused func() bool
	switch {
	case c != &w.all:
		w.start(c.at)
	case len(late) > 0:
		w.start(now.Add(nap))
	default:
		w.seen, unused = nil, w.keep(nil)
	}
	w.mu.Unlock()
	if unused != nil {
		unused()
	}
	w.end(late, byDeadline)
}

// end ends the calls with its parent.
func (l *lineage) end() {
	w := l.watch
	w.mu.Lock()
	l.over = true
	if w.kept == l {
		w.kept = nil
	}
	var ended []*call
	for c := w.all.next; c != &w.all; c = c.next {
		if c.lineage == l {
			ended = append(ended, c)
		}
	}
	w.mu.Unlock()
	w.end(ended, byParent)
}

// end ends calls, and takes them off.
func (w *watch) end(calls []*call, how uint32) {
	for _, c := range calls {
		c.end(how)
		w.remove(c)
	}
}
