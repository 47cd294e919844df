package lane

import (
	"slices"
	"sync"
	"testing"
)

// Many publishers, logs and queues that share the route's lock or have their own: everything arrives, once, in the same order everywhere.
func TestManyPublishersManyLanes(t *testing.T) {
	t.Parallel()
	const publishers, each = 4, 2000
	var route sync.Mutex
	roster := &Roster{}
	var lanes []lane
	var members []*Member
	got := make([]record, 7)
	for i := range got {
		c := Config{Roster: roster, Capacity: 1 << i}
		switch i % 3 {
		case 0:
			log := NewLog[event](1, &route)
			if i > 0 { // the same as that of i == 0
				log = lanes[0].(*Log[event])
			}
			r := NewReader(log, config(c), by(got[i].add))
			route.Lock()
			r.Join(nil)
			route.Unlock()
			lanes, members = append(lanes, log), append(members, &r.Member)
		case 1:
			log := NewLog[event](1, nil)
			lanes, members = append(lanes, log), append(members, &newReader(log, c, got[i].add).Member)
		default:
			q, m := newQueue(c, plain(), got[i].add)
			lanes, members = append(lanes, q), append(members, &m.Member)
		}
	}
	targets := append(slices.DeleteFunc(slices.Clone(lanes), func(l lane) bool { return l == lanes[0] }), lanes[0]) // each once
	next := 0
	publishOne := func() {
		for {
			route.Lock()
			var full *Gate
			for _, l := range targets {
				l.Lock()
			}
			for _, l := range targets {
				if g := l.Full(); g != nil {
					full = g
				}
			}
			if full == nil {
				next++
				for _, l := range targets {
					l.Append(&event{id: next})
				}
			}
			for _, l := range targets {
				l.Unlock()
			}
			route.Unlock()
			if full == nil {
				return
			}
			if err := (&Wait{}).For(t.Context(), full); err != nil {
				t.Error(err)
				return
			}
		}
	}
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for range each {
				publishOne()
			}
		})
	}
	wg.Wait()
	for idle := roster.Idle(); idle != nil; idle = roster.Idle() {
		<-idle
	}
	for i := range got {
		if ids := got[i].got(); len(ids) != publishers*each || !slices.IsSorted(ids) || ids[0] != 1 {
			t.Errorf("subscription %d: %d events, in order: %v", i, len(ids), slices.IsSorted(ids))
		}
		if n := balanced(t, members[i]); n.Succeeded != publishers*each {
			t.Errorf("subscription %d: %+v", i, n)
		}
	}
}
