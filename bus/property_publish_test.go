package bus_test

import (
	"context"
	"errors"
	"slices"

	"github.com/fanfare-go/fanfare/bus"
)

// publish publishes, and writes down what comes of it.
func (w *world) publish(ctx context.Context, on int, i item) (err error) {
	r, _ := ctx.Value(rootKey{}).(*root)
	w.mu.Lock()
	i.ID = int(w.ids.Add(1))
	p := &publication{on: on, begin: w.now()}
	w.events[i.ID] = p
	if r != nil {
		if r.publishing++; r.publishing == 1 {
			r.m.inside++
		}
	}
	w.mu.Unlock()
	returned := false
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		p.end = w.now()
		var inlined *bus.InlineError
		if err == nil || !returned || errors.As(err, &inlined) { // an inline handler may end the goroutine
			p.delivered = true
		} else {
			if p.refused = err; p.delivered {
				w.t.Errorf("event %d was delivered and refused: %v", i.ID, err)
			}
			w.judge(ctx, on, r, err)
		}
		if r != nil {
			if r.publishing--; r.publishing == 0 {
				r.m.inside--
			}
		}
	}()
	err = w.pubs[on].Publish(ctx, i)
	returned = true
	return err
}

// judge checks that a publish may return that error. The caller holds mu.
func (w *world) judge(ctx context.Context, on int, r *root, err error) {
	var cycle *bus.CycleError
	var full *bus.FullError
	switch {
	case errors.As(err, &cycle):
		w.cycles++
		w.judgeCycle(on, r, cycle)
	case errors.As(err, &full):
		w.fulls++
		m := w.named(full.Subscription)
		if !errors.Is(err, bus.ErrFull) || full.Topic != places[on] || m == nil || !m.selects.Match(places[on]) {
			w.t.Errorf("publish to %q: %v", places[on], err)
		} else if full.Waited == 0 && m.Overflow != bus.Fail || full.Waited != 0 && (m.Timeout == 0 || full.Waited < m.Timeout) {
			w.t.Errorf("publish to %q, with %+v: %v", places[on], m.spec, err)
		}
	case errors.Is(err, bus.ErrClosed) && w.ending:
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
	default:
		w.t.Errorf("publish to %q: %v", places[on], err)
	}
}

// judgeCycle checks that a cycle is one. The caller holds mu.
func (w *world) judgeCycle(on int, r *root, cycle *bus.CycleError) {
	names := cycle.Subscriptions()
	if r == nil || !errors.Is(cycle, bus.ErrFull) || cycle.Topic != places[on] || len(names) == 0 {
		w.t.Errorf("publish to %q: %v", places[on], cycle)
		return
	}
	if own := r.m.share.name; names[len(names)-1] != own && names[0] != own {
		w.t.Errorf("publish from a handler of %s: %v", r.m.share.name, names)
	}
	for i, name := range names {
		m := w.named(name)
		switch {
		case m == nil || !m.blocking() || slices.Contains(names[:i], name):
			w.t.Errorf("name %d of %q: %+v", i, names, m)
		case i == 0 && !m.selects.Match(places[on]):
			w.t.Errorf("publish to %q: %v begins with a subscription to %v", places[on], names, m.selects)
		case w.calm:
			w.judgeWaiting(m.share, cycle)
		}
	}
}

// judgeWaiting checks that a share is full, and that all of its handlers are in a Publish. The caller holds mu.
func (w *world) judgeWaiting(q *share, cycle *bus.CycleError) {
	queued, capacity := 0, 0
	for _, m := range w.subs {
		if m.share != q {
			continue
		}
		if m.inside < m.calls {
			w.t.Errorf("%v: but %d of %d handlers of %s publish", cycle, m.inside, m.calls, m.name)
		}
		s := m.sub.Load()
		if s == nil {
			return
		}
		queued += int(s.Stats().Queued)
		if m.closing == 0 {
			capacity += m.Queue
		}
	}
	if queued < capacity {
		w.t.Errorf("%v: but %d of %d wait for %s", cycle, queued, capacity, q.name)
	}
}

// named returns a subscription, or a member of a group, with that name. The caller holds mu.
func (w *world) named(name string) *tracked {
	for _, m := range w.subs {
		if m.share.name == name {
			return m
		}
	}
	return nil
}
