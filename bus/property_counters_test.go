package bus_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"pgregory.net/rapid"
)

// drawn draws specs.
type drawn struct {
	*rapid.T
	kinds    []kind
	acts     []act
	queue    int  // the longest
	timeouts bool // some subscriptions let publishes wait for some time only
	acyclic  bool
	groups   []spec // what the members of each group have in common
}

func (d drawn) between(low, high int, what string) int {
	return rapid.IntRange(low, high).Draw(d.T, what)
}

// many is between for what is to be much rather than little.
func (d drawn) many(low, high int, what string) int { return low + high - d.between(low, high, what) }

// one returns true once in so many times.
func (d drawn) one(in int, what string) bool { return d.between(1, in, what) == in }

// place draws what the members of a group have in common, or what a subscription of its own has of that.
func (d drawn) place() (s spec) {
	s.Selector = d.between(0, selectors-1, "selector")
	s.Type = max(d.between(-3, 2, "type"), 0)
	s.Overflow = bus.Overflow(d.between(0, 5, "overflow"))
	if d.timeouts && s.blocking() && d.one(3, "timeout?") {
		s.Timeout = time.Duration(d.between(1, 50, "timeout")) * time.Millisecond
	}
	return s
}

// group draws groups.
func (d *drawn) group(names ...string) {
	for _, name := range names {
		s := d.place()
		s.Group = name
		d.groups = append(d.groups, s)
	}
}

// spec draws a subscription.
func (d drawn) spec() spec {
	s := d.place()
	s.Kind = d.kinds[d.between(0, len(d.kinds)-1, "kind")]
	if s.Kind != inline && s.Kind != loop && len(d.groups) > 0 && d.one(3, "group?") {
		k := s.Kind
		s = d.groups[d.between(0, len(d.groups)-1, "group")]
		s.Kind = k
	}
	s.Workers, s.Queue = d.between(1, 4, "workers"), d.between(1, d.queue, "queue")
	if s.Kind == loop {
		s.Workers = 1
	}
	s.Size, s.Linger = d.between(1, s.Queue, "size"), time.Duration(d.between(-1, 5, "linger"))*time.Millisecond
	if s.Linger == 0 {
		s.Linger = -1
	}
	s.Chain = d.one(4, "middleware")
	s.Seed, s.Fanout = d.between(0, 1000, "seed"), d.many(0, 3, "fanout")
	for range d.between(1, 4, "acts") {
		s.Acts = append(s.Acts, d.acts[d.between(0, len(d.acts)-1, "act")])
	}
	return s
}

// Sentence 12, for any schedule: at every moment the counters of a subscription add up; queued and running are what really waits and runs;
// and in the end each event that was accepted is accounted for once in each subscription, each that was refused in none. Sentence 1: they
// come in order.
func TestCountersProperty(t *testing.T) {
	t.Parallel()
	var said atomic.Bool
	check(t, func(rt *rapid.T) {
		d := drawn{T: rt, queue: 8, timeouts: true}
		d.kinds = []kind{single, single, single, batch, inline, loop}
		d.acts = []act{succeeds, fails, filters, panics, exits, blocks, blocks, works, publishes, publishes, spreads, detaches, outlasts}
		steps := d.schedule()
		rapid.SyncTest(rt, func(rt *rapid.T) {
			w := newWorld(spoken{rt, t, &said}, bus.Options{})
			for _, step := range steps {
				step(w)
			}
		})
	})
}

// schedule draws what happens on a bus. All of it is drawn before the bubble: a draw may end the goroutine, which is not to leave handlers.
func (d drawn) schedule() (steps []func(*world)) {
	d.group("g1", "g2")
	for range d.between(0, 6, "subscriptions") {
		s := d.spec()
		steps = append(steps, func(w *world) { w.subscribe(s) })
	}
	for range d.between(1, 20, "steps") {
		steps = append(steps, d.step())
		if d.one(2, "settle") {
			steps = append(steps, func(w *world) { synctest.Wait(); w.settled() })
		} else {
			steps = append(steps, (*world).glance)
		}
	}
	way := d.between(0, 3, "end")
	return append(steps, func(w *world) { w.finish(way) })
}

// step draws something that happens.
func (d drawn) step() func(*world) {
	switch d.between(0, 9, "step") {
	case 0:
		s := d.spec()
		return func(w *world) { w.subscribe(s) }
	case 1:
		s := d.spec()
		return func(w *world) { w.wg.Go(func() { w.subscribe(s) }) }
	case 2:
		which := d.between(0, 100, "which")
		return func(w *world) {
			if all := w.all(); len(all) > 0 {
				w.wg.Go(func() { w.close(all[which%len(all)], false) })
			}
		}
	case 3:
		released := d.between(1, 4, "released")
		return func(w *world) {
			synctest.Wait()
			for range released {
				select {
				case w.gate <- struct{}{}:
				default:
				}
			}
		}
	case 4:
		pause := time.Duration(d.between(1, 100, "pause")) * time.Millisecond
		return func(*world) { time.Sleep(pause) } // virtual: deadlines pass
	}
	return d.load()
}

// load draws some publishes.
func (d drawn) load() func(*world) {
	on, publishers, each := d.between(0, len(places)-1, "topic"), d.between(1, 3, "publishers"), d.between(1, 6, "events")
	timeout := time.Duration(max(d.between(-20, 40, "deadline"), 0)) * time.Millisecond
	keys, hops := d.between(0, 3, "keys"), d.between(0, 2, "hops")
	return func(w *world) {
		for g := range publishers {
			w.wg.Go(func() {
				for n := range each {
					ctx, cancel := context.Background(), context.CancelFunc(func() {})
					if timeout > 0 {
						ctx, cancel = context.WithTimeout(ctx, timeout)
					}
					i := item{Hops: hops}
					if keys > 0 {
						i.Key = string(rune('j' + (g+n)%keys))
					}
					_ = w.publish(ctx, on, i)
					cancel()
				}
			})
		}
	}
}

// finish ends the bus in one of the ways there are, and checks what is left.
func (w *world) finish(way int) {
	w.end()
	switch way {
	case 0: // nothing is lost
		close(w.gate)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		defer time.AfterFunc(patience-time.Second, func() { w.t.Errorf("Shutdown hangs\n%s", bubble()) }).Stop()
		if err := w.bus.Shutdown(ctx); err != nil {
			w.t.Errorf("Shutdown: %v", err)
		}
	case 1: // what blocks keeps Shutdown until its context ends
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		_ = w.bus.Shutdown(ctx)
		close(w.gate)
	case 2: // handlers that run go on
		if err := w.bus.Close(); err != nil {
			w.t.Errorf("Close: %v", err)
		}
		w.glance()
		synctest.Wait()
		w.settled()
		close(w.gate)
	case 3:
		w.wg.Go(func() { _ = w.bus.Shutdown(context.Background()) })
		w.wg.Go(func() { _ = w.bus.Close() })
		close(w.gate)
	}
	w.over()
	for _, m := range w.all() {
		if s := m.sub.Load(); way == 0 && s != nil && m.closing == 0 && s.Stats().Abandoned > 0 {
			w.t.Errorf("%s after Shutdown: %+v", m.name, s.Stats())
		}
	}
}
