package bus_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// sight is what a handler sees of an event.
type sight struct {
	id, hops, seq int
	topic, key    string
}

var errHandler = errors.New("the handler fails")

type rootKey struct{}

// root is the handler that everything within a publish counts for.
type root struct {
	m          *tracked
	publishing int // guarded by world.mu
}

// handle is every handler.
func (m *tracked) handle(ctx context.Context, all ...sight) (err error) {
	m.enter(all)
	outcomes := make([]error, len(all))
	for i := range outcomes {
		outcomes[i] = errHandler // unless it returns
	}
	defer func() { m.leave(all, outcomes) }()
	r, _ := ctx.Value(rootKey{}).(*root)
	if r == nil && m.Kind != inline && m.Kind != loop {
		r = &root{m: m}
		ctx = context.WithValue(ctx, rootKey{}, r)
	}
	first := all[0]
	m.look(len(all))
	err = m.do(ctx, m.Acts[hash(m.Seed, first.id)%len(m.Acts)], first)
	if m.Kind == batch && errors.Is(err, errHandler) && len(all) > 1 { // only the first one fails
		for i := range outcomes[1:] {
			outcomes[i+1] = nil
		}
		return &bus.BatchError{Failed: map[int]error{0: err}}
	}
	for i := range outcomes {
		outcomes[i] = err
	}
	return err
}

// do does what the handler is to do.
func (m *tracked) do(ctx context.Context, a act, s sight) error {
	w := m.w
	switch a {
	case fails:
		return errHandler
	case filters:
		return fmt.Errorf("wrapped: %w", bus.ErrFiltered)
	case panics:
		if m.Kind != loop {
			panic(s)
		}
	case exits:
		if m.Kind != loop {
			runtime.Goexit()
		}
	case blocks:
		<-w.gate
	case works:
		time.Sleep(time.Duration(1+hash(s.id)%20) * time.Millisecond)
	case publishes, spreads, detaches, outlasts:
		switch {
		case m.Kind == loop: // whose body is no handler, and might wait for itself
			a = detaches
		case ctx.Value(rootKey{}) == nil: // an inline handler within a publish of that kind
			a = publishes
		}
		m.again(ctx, a, s)
	case leaves:
		if m.Group != "" && m.sub.Load() != nil {
			w.close(m, true)
			m.again(ctx, outlasts, s)
		}
	case closesSelf:
		w.close(m, false)
	case closesOne:
		w.mu.Lock()
		other := w.subs[hash(m.Seed, s.id, 7)%len(w.subs)]
		w.mu.Unlock()
		w.close(other, false)
	case joins:
		w.mu.Lock()
		var next *spec
		if len(w.spares) > 0 {
			next, w.spares = &w.spares[0], w.spares[1:]
		}
		w.mu.Unlock()
		if next != nil {
			w.subscribe(*next)
		}
	case shuts:
		if m.Kind == loop {
			return nil
		}
		w.end()
		if err := w.bus.Shutdown(ctx); !errors.Is(err, bus.ErrInHandler) {
			w.t.Errorf("Shutdown in a handler returned %v", err)
		}
	case ends:
		w.end()
		if err := w.bus.Close(); err != nil {
			w.t.Errorf("Close in a handler returned %v", err)
		}
	}
	return nil
}

// again publishes from a handler.
func (m *tracked) again(ctx context.Context, a act, s sight) {
	w := m.w
	if s.hops == 0 || m.Floor >= len(places) {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range m.Fanout {
		if w.budget.Add(-1) < 0 {
			return
		}
		next := item{Hops: s.hops - 1, Key: []string{"", "k", "l"}[hash(m.Seed, s.id, i)%3]}
		on := m.Floor + hash(m.Seed, s.id, i, 1)%(len(places)-m.Floor)
		switch a {
		case spreads:
			wg.Go(func() { _ = w.publish(ctx, on, next) })
		case detaches:
			other, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			_ = w.publish(other, on, next)
			cancel()
		case outlasts:
			_ = w.publish(context.WithoutCancel(ctx), on, next)
		default:
			_ = w.publish(ctx, on, next)
		}
	}
}

// key is what events are told apart by within a share.
func (s sight) lane() string { return s.topic + " " + s.key }

// enter writes down that a handler has begun, and checks that it may.
func (m *tracked) enter(all []sight) {
	w, q := m.w, m.share
	w.mu.Lock()
	defer w.mu.Unlock()
	m.entered += len(all)
	m.calls++
	for _, s := range all {
		p := w.events[s.id]
		switch {
		case p == nil:
			w.t.Errorf("%s got %+v, which nobody has published", m.name, s)
			continue
		case p.refused != nil:
			w.t.Errorf("%s got %+v, which was refused: %v", m.name, s, p.refused)
		case places[p.on] != s.topic || !m.selects.Match(s.topic):
			w.t.Errorf("%s, for %v, got %+v", m.name, m.selects, s)
		case q.got[s.id]:
			w.t.Errorf("%s got %+v twice", m.name, s)
		}
		p.delivered = true
		q.got[s.id] = true
		m.order(s)
	}
}

// order checks the order in which events come, and that no key is handled twice at once. The caller holds mu.
func (m *tracked) order(s sight) {
	w, q := m.w, m.share
	if q.abandoned || !q.serial && !q.keyed {
		return
	}
	if q.keyed && s.key != "" {
		if q.busy[s.key]++; q.busy[s.key] > 1 {
			w.t.Errorf("%s got %+v while another event of its key was handled", q.name, s)
		}
		if owner := q.owner[s.key]; owner != nil && owner != m && !q.moved && q.joining == 0 {
			w.t.Errorf("%s and %s got events of key %q", owner.name, m.name, s.key)
		}
		q.owner[s.key] = m
	}
	of := s.topic
	if q.perKey {
		of = s.lane()
	}
	if q.perKey && s.key == "" && !q.serial {
		return
	}
	if before := q.last[of]; s.seq <= before {
		w.t.Errorf("%s got event %d of %q after event %d", q.name, s.seq, of, before)
	}
	q.last[of] = s.seq
}

// leave writes down that a handler is about to return.
func (m *tracked) leave(all []sight, outcomes []error) {
	w := m.w
	w.mu.Lock()
	defer w.mu.Unlock()
	m.calls--
	for i, s := range all {
		m.share.busy[s.key]--
		switch err := outcomes[i]; {
		case err == nil || m.Kind == loop:
			m.succeeded++
		case errors.Is(err, bus.ErrFiltered):
			m.refused++
		default:
			m.failed++
		}
	}
}

// left counts events that handlers have done with. The caller holds mu.
func (m *tracked) left() int { return m.succeeded + m.failed + m.refused }
