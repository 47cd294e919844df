package lane

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// stuck is a handler that never ends until release is closed, for what r records.
func stuck(r *record, release chan struct{}) handlerFunc {
	return func(e event) Outcome {
		<-release
		return r.add(e)
	}
}

// A reader that is closed while its handler does not end holds nobody up, and the storage of the others does not grow for it.
func TestLogCloseWhileBlocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var blocked, other record
		release := make(chan struct{})
		log := NewLog[event](1, nil)
		r := newReader(log, Config{Capacity: 3}, stuck(&blocked, release))
		o := newReader(log, Config{Capacity: 3}, other.add)
		publish(t, log, event{id: 1})
		synctest.Wait()
		publish(t, log, numbered(2, 4)...)
		synctest.Wait()
		if full := try(log, event{}); full != &r.Gate {
			t.Errorf("full is %v", full)
		}
		r.Close()
		r.Close()
		for id := 5; id <= 1000; id++ {
			publish(t, log, event{id: id})
			synctest.Wait()
			if size := len(log.store.ring); size > minRing {
				t.Fatalf("a ring of %d", size)
			}
		}
		if len(log.store.ring) != 0 || len(o.active) != 0 {
			t.Errorf("idle, with a ring of %d and %d goroutines", len(log.store.ring), len(o.active))
		}
		if got := other.got(); len(got) != 1000 || !slices.IsSorted(got) {
			t.Errorf("%d events, in order: %v", len(got), slices.IsSorted(got))
		}
		if n := balanced(t, &r.Member); n.Matched != 4 || n.Running != 1 || n.Abandoned != 3 || ended(&r.Member) {
			t.Errorf("%+v", n)
		}
		if depth := r.Gate.Depth(); depth != 0 {
			t.Errorf("%d wait after the end", depth)
		}
		if err := (&Wait{}).For(t.Context(), &r.Gate); err != nil {
			t.Error(err)
		}
		close(release)
		synctest.Wait()
		if got := blocked.got(); !slices.Equal(got, []int{1}) || !ended(&r.Member) {
			t.Errorf("handled %v, ended: %v", got, ended(&r.Member))
		}
		o.Close()
	})
}

// Close may come between any two events: those that were taken with others and not begun are abandoned.
func TestLogCloseInAHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, early := range [][]event{nil, numbered(1, 20)} {
			var got record
			var r *Reader[event]
			log := NewLog[event](1, nil)
			r = NewReader(log, config(Config{}), by(func(e event) Outcome {
				if e.id == 7 {
					r.Close()
				}
				return got.add(e)
			}))
			log.Lock()
			r.Join(early)
			for _, e := range numbered(len(early)+1, 30) {
				if log.Full() == nil {
					log.Append(&e)
				}
			}
			log.Unlock()
			<-r.Done()
			if n := balanced(t, &r.Member); n.Succeeded != 7 || n.Abandoned != 23 {
				t.Errorf("%+v", n)
			}
			if ids := got.got(); len(ids) != 7 {
				t.Errorf("handled %v", ids)
			}
		}
	})
}

// When the last reader has left, events are nobody's, although there was room and storage.
func TestLogWithoutReaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		log := NewLog[event](1, nil)
		for range 2 {
			publish(t, log, event{id: 1})
			r := newReader(log, Config{}, stuck(&record{}, release))
			publish(t, log, numbered(2, 3)...)
			synctest.Wait()
			r.Close()
			publish(t, log, numbered(4, 5)...)
			if n := balanced(t, &r.Member); n.Matched != 2 || log.store.ring != nil {
				t.Errorf("%+v, with a ring of %d", n, len(log.store.ring))
			}
		}
		close(release)
	})
}

// An event from a transport waits at whoever is full.
func TestLogOffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got record
		release := make(chan struct{})
		log := NewLog[event](1, nil)
		if full := log.Offer(&event{id: -1}); full != nil {
			t.Error("nobody reads, and it is to wait")
		}
		if e := log.Append(&event{id: -1}); e != nil {
			t.Error("nobody reads, and it was appended")
		}
		wide, narrow := newReader(log, Config{}, got.add), newReader(log, Config{Capacity: 2}, stuck(&record{}, release))
		for _, e := range numbered(1, 4) {
			full := log.Offer(&e)
			if (full == nil) != (e.id < 4) || full != nil && full != &narrow.Gate {
				t.Errorf("for %d %v is full", e.id, full)
			}
			synctest.Wait()
		}
		narrow.Gate.Drop() // 4 has waited in vain
		if n := balanced(t, &narrow.Member); n.Dropped != 1 || n.Queued != 2 || narrow.Gate.Depth() != 2 {
			t.Errorf("%+v, depth %d", n, narrow.Gate.Depth())
		}
		if ids := got.got(); !slices.Equal(ids, []int{1, 2, 3}) {
			t.Errorf("handled %v", ids)
		}
		close(release)
		synctest.Wait()
		wide.Close()
		narrow.Close()
	})
}

// A log without a lock of its own is guarded by that of its route, which publishers hold anyway.
func TestLogOfARoute(t *testing.T) {
	t.Parallel()
	var route sync.Mutex
	log := NewLog[event](7, &route)
	log.Lock() // does nothing
	route.Lock()
	log.Unlock()
	if route.TryLock() {
		t.Error("the lock of the route was given up")
	}
	route.Unlock()
	if log.Own() || log.ID != 7 || !NewLog[event](8, nil).Own() {
		t.Errorf("%d, own: %v", log.ID, log.Own())
	}
}

// A ring that was large is not kept for the next time; a small one is, and it is empty.
func TestStorage(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, minRing, minRing + 1, maxIdle, maxIdle + 1} {
		var s storage[event]
		for i := range n {
			if i == len(s.ring) {
				s.grow(0, uint64(i))
			}
			*s.at(uint64(i)) = event{id: i}
		}
		for i := range n {
			if got := s.at(uint64(i)).id; got != i {
				t.Fatalf("%d at %d of %d", got, i, n)
			}
		}
		size := len(s.ring)
		if size > max(minRing, 2*n) || size&(size-1) != 0 {
			t.Errorf("a ring of %d for %d", size, n)
		}
		s.rest()
		if s.ring != nil || s.box != nil {
			t.Error("it has a ring at rest")
		}
		if box, _ := s.pool.Get().(*[]event); box != nil && len(*box) > maxIdle {
			t.Errorf("a ring of %d is kept", len(*box))
		}
	}
}
