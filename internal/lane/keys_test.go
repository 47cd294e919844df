package lane

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A key whose handler is blocked delays no other as long as a worker is free; its own events wait.
func TestBlockedKeyDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r record
		release := make(chan struct{})
		q, m := newQueue(Config{Workers: 2}, keyed(), func(e event) Outcome {
			if e.key == "blocked" {
				<-release
			}
			return r.add(e)
		})
		for id := 1; id <= 30; id += 3 {
			publish(t, q, event{id: id, key: "blocked"}, event{id: id + 1, key: fmt.Sprint(id)}, event{id: id + 2})
		}
		synctest.Wait()
		if got := r.got(); len(got) != 20 || slices.ContainsFunc(got, func(id int) bool { return id%3 == 1 }) {
			t.Errorf("handled %v", got)
		}
		if n := balanced(t, &m.Member); n.Running != 1 || n.Queued != 9 {
			t.Errorf("%+v", n)
		}
		close(release)
		synctest.Wait()
		if got := r.got()[20:]; !slices.Equal(got, []int{1, 4, 7, 10, 13, 16, 19, 22, 25, 28}) {
			t.Errorf("then %v", got)
		}
		m.Close()
	})
}

// Whatever ends a handler, the next event of its key follows.
func TestKeyGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r record
		q, m := newQueue(Config{Workers: 4}, keyed(), func(e event) Outcome {
			r.add(e)
			switch e.id % 4 {
			case 1:
				panic(e.id)
			case 2:
				runtime.Goexit()
			case 3:
				return Failed
			}
			return Succeeded
		})
		for _, e := range numbered(1, 40) {
			e.key = "k"
			publish(t, q, e)
		}
		synctest.Wait()
		if got := r.got(); len(got) != 40 || !slices.IsSorted(got) {
			t.Errorf("handled %v", got)
		}
		if n := balanced(t, &m.Member); n.Succeeded != 10 || n.Failed != 30 {
			t.Errorf("%+v", n)
		}
		m.Close()
	})
}

// An event that is dropped lets the one behind it be handled, or has its key forgotten.
func TestDropOldestWithKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, r, m, release := held(t, Config{Capacity: 3, Local: DropOldest}, keyed())
		publish(t, q, event{id: 1, key: "a"}, event{id: 2, key: "a"}, event{id: 3, key: "b"})
		publish(t, q, event{id: 4, key: "c"}) // 1 goes, 2 is the first of its key
		publish(t, q, event{id: 5})           // 2 goes, and with it the key
		if n := len(q.waiting.keys); n != 2 {
			t.Errorf("%d keys", n)
		}
		finish(t, r, m, release, 3, 4, 5)
		if q.waiting != nil {
			t.Error("it holds something when it is idle")
		}
	})
}

// Many publishers and workers, without a schedule: each event is handled once, those of a key in order and never two at a time, and the
// counters add up whenever they are read.
func TestKeysUnderLoad(t *testing.T) {
	t.Parallel()
	const publishers, each, keys = 4, 2000, 7
	roster := &Roster{}
	var running [keys]atomic.Int32
	var got [keys][]int // one handler of a key at a time: nothing else guards it
	q := NewQueue(config(Config{Capacity: 64}), keyed())
	var members []*Consumer[event]
	for range 2 {
		members = append(members, join(q, Config{Roster: roster, Workers: 3, Capacity: 64}, func(e event) Outcome {
			k := e.id % keys
			if running[k].Add(1) != 1 {
				t.Error("two of a key at a time")
			}
			got[k] = append(got[k], e.id)
			if e.id%5 == 0 {
				runtime.Gosched()
			}
			running[k].Add(-1)
			return Succeeded
		}))
	}
	var mu sync.Mutex
	next := 0
	publishOne := func() {
		mu.Lock()
		defer mu.Unlock()
		for e := (event{id: next, key: fmt.Sprint("k", next%keys)}); ; {
			full := try(q, e)
			if full == nil {
				next++
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
	stop, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		for !isClosed(stop) {
			for _, m := range members {
				balanced(t, &m.Member)
			}
		}
	}()
	wg.Wait()
	for idle := roster.Idle(); idle != nil; idle = roster.Idle() {
		<-idle
	}
	close(stop)
	<-read
	sum := 0
	for k, ids := range got {
		sum += len(ids)
		if !slices.IsSorted(ids) {
			t.Errorf("key %d is out of order", k)
		}
	}
	if sum != publishers*each {
		t.Errorf("%d events of %d", sum, publishers*each)
	}
	for _, m := range members {
		m.Close()
		<-m.Done()
	}
}
