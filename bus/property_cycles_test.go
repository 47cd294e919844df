package bus_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"pgregory.net/rapid"
)

// graph is what the handlers of a bus do to each other.
type graph struct {
	specs, spares []spec
	loads         []load
	calm, acyclic bool // see world; no subscription can wait for itself
	shutdown      bool
}

// load are publishes from outside.
type load struct{ on, events, hops, keys int }

// graph draws one.
func (d drawn) graph() (g graph) {
	for range d.many(1, 6, "subscriptions") {
		s := d.spec()
		if g.acyclic = d.acyclic; d.acyclic {
			s.Floor = d.above(s.Selector)
		}
		g.specs = append(g.specs, s)
	}
	for range d.many(1, 3, "publishers") {
		g.loads = append(g.loads, load{d.between(0, len(places)-1, "topic"), d.many(1, 8, "events"), d.many(1, 4, "hops"), d.between(0, 3, "keys")})
	}
	for range 2 {
		g.spares = append(g.spares, d.spec())
	}
	g.shutdown = d.one(2, "shutdown")
	return g
}

// above returns the first topic that comes after all that a selector selects.
func (d drawn) above(selector int) int {
	above := 0
	for i, name := range places {
		if selectorOf[item](selector).Match(name) {
			above = i + 1
		}
	}
	return above
}

// check lets the handlers go on as long as they can, and checks that this has an end.
func (g *graph) check(f failer) (cycles, fulls int) {
	w := newWorld(f, bus.Options{})
	w.calm, w.spares = g.calm, g.spares
	for _, s := range g.specs {
		w.subscribe(s)
	}
	for _, l := range g.loads {
		w.wg.Go(func() {
			for n := range l.events {
				i := item{Hops: l.hops}
				if l.keys > 0 {
					i.Key = string(rune('j' + n%l.keys))
				}
				_ = w.publish(context.Background(), l.on, i)
			}
		})
	}
	time.Sleep(time.Hour) // virtual: all that handlers do takes less
	synctest.Wait()
	w.idle()
	if g.acyclic && w.cycles > 0 {
		w.t.Errorf("%d cycles, where there are none", w.cycles)
	}
	w.end()
	if g.shutdown {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = w.bus.Shutdown(ctx)
	} else if err := w.bus.Close(); err != nil {
		w.t.Errorf("Close: %v", err)
	}
	w.over()
	return w.cycles, w.fulls
}

// idle checks that nothing waits and nobody is at work.
func (w *world) idle() {
	w.mu.Lock()
	stuck := w.pending()
	for _, m := range w.subs {
		stuck = stuck || m.calls > 0
	}
	w.mu.Unlock()
	for _, m := range w.all() {
		if s := m.sub.Load(); s != nil {
			st := s.Stats()
			stuck = stuck || st.Queued+st.Running > 0
		}
	}
	if stuck {
		var all strings.Builder
		for _, m := range w.all() {
			if s := m.sub.Load(); s != nil {
				fmt.Fprintf(&all, "%s, %d of %d handlers publish: %+v, %+v\n", m.name, m.inside, m.calls, m.spec, s.Stats())
			}
		}
		w.t.Errorf("deadlock:\n%s\n%s", &all, bubble())
		return
	}
	w.settled()
}

// checkGraphs checks drawn graphs.
func checkGraphs(t *testing.T, draw func(*rapid.T) graph) {
	t.Parallel()
	var said atomic.Bool
	var cycles, fulls atomic.Int64
	check(t, func(rt *rapid.T) {
		g := draw(rt)
		rapid.SyncTest(rt, func(rt *rapid.T) {
			c, f := g.check(spoken{rt, t, &said})
			cycles.Add(int64(c))
			fulls.Add(int64(f))
		})
	})
	t.Logf("%d cycles, %d full queues", cycles.Load(), fulls.Load())
}

// Sentence 4, for any graph of handlers that publish to each other: nothing waits for ever, and a publish that is refused names subscriptions
// that are full and whose handlers all wait.
func TestCyclesProperty(t *testing.T) {
	checkGraphs(t, func(rt *rapid.T) graph {
		d := drawn{T: rt, queue: 3, kinds: []kind{single, single, single, batch, inline}}
		d.acts = []act{publishes, works, publishes, leaves, publishes, works, succeeds}
		// A handler that waits in two goroutines may still wait when one was refused, and so others may be refused before anybody can look.
		calm := d.one(2, "calm")
		if !calm {
			d.acts = append(d.acts, spreads, spreads)
		}
		d.group("g1")
		g := d.graph()
		g.calm = calm
		return g
	})
}

// Sentence 4: where no subscription can wait for itself, no publish is refused for that.
func TestNoCyclesProperty(t *testing.T) {
	checkGraphs(t, func(rt *rapid.T) graph {
		d := drawn{T: rt, queue: 3, kinds: []kind{single, single, single, batch, inline}, timeouts: true, acyclic: true}
		d.acts = []act{publishes, spreads, works, publishes, outlasts, leaves, closesSelf, closesOne, succeeds, fails, exits}
		d.group("g1")
		return d.graph()
	})
}

// Sentence 4: nothing waits for ever either when subscriptions come and go, publishes have deadlines, and handlers end the bus.
func TestCyclesWithEndsProperty(t *testing.T) {
	checkGraphs(t, func(rt *rapid.T) graph {
		d := drawn{T: rt, queue: 3, kinds: []kind{single, single, single, batch, inline, loop}, timeouts: true}
		d.acts = []act{publishes, spreads, publishes, works, detaches, outlasts, leaves, joins, closesOne, publishes, closesSelf, succeeds, fails, panics, exits}
		if d.one(3, "ends?") {
			d.acts = append(d.acts, shuts, ends)
		}
		d.group("g1", "g2")
		return d.graph()
	})
}
