package lane

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Events stay in order while the ring grows and goes round, for every bound, batch and pace.
func TestOrderWhileTheRingGrows(t *testing.T) {
	t.Parallel()
	for _, capacity := range []int{1, 2, 15, 16, 17, 100, 1000} {
		for _, remote := range []Policy{Block, DropOldest} { // with DropOldest events are taken one at a time
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(uint64(capacity), uint64(remote)))
				gate := make(chan struct{}, 10000)
				var got []int
				q := newQueue(Config{Workers: 1, Capacity: capacity, Remote: remote}, func(e *int) bool {
					<-gate
					got = append(got, *e)
					return true
				})
				next, waiting := 0, 0
				for next < 3000 {
					for range random.IntN(capacity - waiting + 1) {
						add(t, q, next)
						next++
					}
					synctest.Wait()
					for range random.IntN(capacity + 1) {
						gate <- struct{}{}
					}
					synctest.Wait()
					for len(gate) > 0 {
						<-gate
					}
					waiting = int(q.Totals().Queued)
				}
				close(gate)
				synctest.Wait()
				if len(got) != next || !slices.IsSorted(got) {
					t.Errorf("capacity %d: %d of %d events, in order: %v", capacity, len(got), next, slices.IsSorted(got))
				}
				q.Close()
				<-q.Done()
			})
		}
	}
}

// An idle queue has no goroutine, and holds neither storage nor events that were handled.
func TestIdleQueueHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(Config{Workers: 2, Capacity: 100}, func(*int) bool { return true })
		defer q.Close()
		for i := range 100 {
			add(t, q, i)
		}
		synctest.Wait()
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.ring != nil || len(q.active) != 0 || q.free != 0 {
			t.Errorf("ring of %d, %d workers, free %d", len(q.ring), len(q.active), q.free)
		}
	})
}

// An event that was taken is not kept alive by the ring.
func TestTakenEventsAreCleared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		q := newQueue(Config{Workers: 1, Capacity: 8}, func(*int) bool {
			<-release
			return true
		})
		add(t, q, 1)
		synctest.Wait()
		add(t, q, 2, 3)
		q.mu.Lock()
		if got := slices.Clone(q.ring[:3]); !slices.Equal(got, []int{0, 2, 3}) {
			t.Errorf("the ring begins with %v", got)
		}
		q.mu.Unlock()
		close(release)
		synctest.Wait()
		q.Close()
	})
}

// When both kinds of events wait, only those that may be dropped are, the oldest first, and the order of the rest is kept.
func TestDropOldestSparesTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var got []int
		odd := func(e *int) bool { return *e%2 == 1 }
		q := NewQueue(Config{Graph: &Graph{}, Workers: 1, Capacity: 5, Remote: DropOldest}, func() Handler[int] {
			return handlerFunc(func(e *int) bool {
				<-release
				got = append(got, *e)
				return true
			})
		}, odd)
		add(t, q, 0)
		synctest.Wait()
		for _, e := range []int{2, 1, 4, 3, 6, 5, 7, 9} {
			if !q.Offer(&e) {
				t.Errorf("%d was not taken", e)
			}
		}
		if s := q.Totals(); s.Dropped != 3 || s.Queued != 5 {
			t.Errorf("%+v", s)
		}
		for _, e := range []int{8, 10, 12} { // local ones: two find an odd event to push out through Offer, none through Admits
			q.mu.Lock()
			if q.Admits() {
				t.Errorf("room for %d", e)
			}
			q.mu.Unlock()
		}
		close(release)
		synctest.Wait()
		if want := []int{0, 2, 4, 6, 7, 9}; !slices.Equal(got, want) {
			t.Errorf("handled %v, want %v", got, want)
		}
		q.Close()
	})
}

// Waiting publishers are woken by every event that a handler begins, by the end of their context, and by the end of the queue.
func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		step := make(chan struct{})
		q := newQueue(Config{Workers: 1, Capacity: 2}, func(*int) bool {
			<-step
			return true
		})
		add(t, q, 0)
		synctest.Wait()
		add(t, q, 1, 2)
		late := 0
		tell := func(*Gate, time.Duration) { late++ }
		waitFor := func(ctx context.Context) error { return (&Wait{Late: tell}).For(ctx, &q.Gate) }
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := waitFor(ctx); !errors.Is(err, context.DeadlineExceeded) || late != 1 {
			t.Errorf("%v, told %d times that it is late", err, late)
		}
		results := make(chan error)
		for range 2 {
			go func() { results <- waitFor(context.Background()) }()
		}
		synctest.Wait()
		step <- struct{}{}
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		add(t, q, 3)
		go func() { results <- waitFor(context.Background()) }()
		synctest.Wait()
		q.Close()
		if err := <-results; err != nil {
			t.Error(err)
		}
		close(step)
		<-q.Done()
	})
}

// Many publishers, queues that share the route's lock and queues that do not: everything arrives, once, in the same order everywhere.
func TestManyPublishersManyQueues(t *testing.T) {
	t.Parallel()
	const publishers, each = 4, 2000
	var route sync.Mutex
	graph := &Graph{}
	var queues []*Queue[int]
	var gates []*Gate
	got := make([][]int, 4)
	for i := range got {
		c := Config{Graph: graph, Workers: 1, Capacity: 1 << i}
		if i%2 == 0 {
			c.Route = &route
		}
		q := newQueue(c, func(e *int) bool {
			got[i] = append(got[i], *e)
			return true
		})
		queues, gates = append(queues, q), append(gates, &q.Gate)
	}
	next := 0
	publish := func() {
		for {
			route.Lock()
			var full *Gate
			for _, g := range gates {
				g.Lock()
			}
			for _, g := range gates {
				if !g.Admits() {
					full = g
				}
			}
			if full == nil {
				next++
				for _, q := range queues {
					q.Append(&next)
				}
			}
			for _, g := range gates {
				g.Unlock()
			}
			route.Unlock()
			if full == nil {
				return
			}
			if err := (&Wait{}).For(t.Context(), full); err != nil {
				t.Error(err)
			}
		}
	}
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for range each {
				publish()
			}
		})
	}
	wg.Wait()
	for i, q := range queues {
		for idle := q.Idle(); idle != nil; idle = q.Idle() {
			<-idle
		}
		q.Close()
		<-q.Done()
		if len(got[i]) != publishers*each || !slices.IsSorted(got[i]) || got[i][0] != 1 {
			t.Errorf("queue %d: %d events, in order: %v", i, len(got[i]), slices.IsSorted(got[i]))
		}
	}
}

// A queue that is closed takes nothing and tells so to nobody.
func TestClosedQueueTakesNothing(t *testing.T) {
	t.Parallel()
	q := newQueue(Config{Workers: 1, Capacity: 1}, func(*int) bool { return true })
	q.Close()
	q.Close()
	add(t, q, 1, 2, 3)
	if e := 4; !q.Offer(&e) {
		t.Error("a closed queue makes the transport wait")
	}
	if got := q.Totals(); got != (Totals{}) {
		t.Errorf("%+v", got)
	}
	<-q.Done()
}

// A handler that was woken for room, and has not left the graph yet, makes no cycle; one that waits for a full queue does.
func TestCycleNeedsFullQueues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		graph, release := &Graph{}, make(chan struct{})
		queue := func(name string) *Queue[int] {
			return newQueue(Config{Name: name, Graph: graph, Workers: 1, Capacity: 1}, func(*int) bool {
				<-release
				return true
			})
		}
		a, b := queue("a"), queue("b")
		add(t, a, 1)
		synctest.Wait()
		add(t, a, 2)
		fromA, fromB := &Caller{&a.Gate}, &Caller{&b.Gate}
		graph.enter(fromA, &b.Gate)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := (&Wait{From: fromB}).For(ctx, &a.Gate); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("b has room: %v", err)
		}
		add(t, b, 1)
		synctest.Wait()
		add(t, b, 2)
		var cycle *CycleError
		if err := (&Wait{From: fromB}).For(t.Context(), &a.Gate); !errors.As(err, &cycle) {
			t.Errorf("both are full: %v", err)
		}
		graph.leave(fromA, &b.Gate)
		close(release)
		synctest.Wait()
		a.Close()
		b.Close()
	})
}
