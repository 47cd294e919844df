package deadline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/fanfare-go/fanfare/internal/deadline"
)

// TestWatchEndsEachAtItsDeadline has many calls that wait at the same time, in any order, some of which return before.
func TestWatchEndsEachAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		defer cancel()
		calls := deadline.NewCalls()
		chains["waits"](parent, calls)
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				time.Sleep(rand.N(5 * time.Second))
				begin, d := time.Now(), rand.N(10*time.Second)+1
				c := calls.Begin(parent, begin.Add(d))
				defer c.End()
				select {
				case <-c.Done():
					if took := time.Since(begin); took != d || c.Err() != context.DeadlineExceeded {
						t.Errorf("ended after %v with %v, want %v", took, c.Err(), d)
					}
				case <-time.After(rand.N(10 * time.Second)):
				}
			})
		}
		all.Wait()
	})
}

// TestWatchOfManyParents has calls with several parents at the same time: each ends with its own.
func TestWatchOfManyParents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := deadline.NewCalls()
		for _, order := range [][]int{{0, 0, 0, 1, 1, 1, 0, 2}, {0, 1, 2, 0, 1, 2}, {2, 2, 2, 2}} {
			var parents [3]context.Context
			var cancel [3]context.CancelFunc
			for i := range parents {
				parents[i], cancel[i] = context.WithCancel(t.Context())
			}
			var waiting []deadline.Ending
			for _, i := range order {
				c := calls.Begin(parents[i], time.Now().Add(time.Hour))
				c.Done()
				waiting = append(waiting, c)
			}
			for ended := range parents {
				cancel[ended]()
				synctest.Wait()
				for n, c := range waiting {
					select {
					case <-c.Done():
						if order[n] > ended || c.Err() != context.Canceled {
							t.Errorf("%v: call %d has ended with parent %d: %v", order, n, ended, c.Err())
						}
					default:
						if order[n] <= ended {
							t.Errorf("%v: call %d has not ended with parent %d", order, n, ended)
						}
					}
				}
			}
			for _, c := range waiting {
				c.End()
			}
		}
	})
}

// TestWatchInside has a call with the context of another one of the same chain.
func TestWatchInside(t *testing.T) {
	t.Parallel()
	for name, teach := range chains {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := deadline.NewCalls()
				teach(t.Context(), calls)
				for range 4 {
					outer := calls.Begin(t.Context(), time.Now().Add(time.Second))
					inner := calls.Begin(outer, time.Now().Add(time.Minute))
					begin := time.Now()
					<-inner.Done()
					if took := time.Since(begin); took != time.Second || inner.Err() != context.DeadlineExceeded {
						t.Errorf("ended after %v with %v", took, inner.Err())
					}
					inner.End()
					outer.End()
				}
			})
		})
	}
}

// TestWatchLeavesNothing checks that parents that live on hold nothing of a chain, soon after its last call.
func TestWatchLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(calls *deadline.Calls, parents []context.Context){
		"many parents": func(calls *deadline.Calls, parents []context.Context) {
			for i, parent := range parents {
				for range i % 5 {
					wait(parent, calls)
				}
			}
		},
		"one parent": func(calls *deadline.Calls, parents []context.Context) { chains["waits"](parents[1], calls) },
		"two parents at the same time": func(calls *deadline.Calls, parents []context.Context) {
			chains["waits"](parents[1], calls)
			c := calls.Begin(parents[1], time.Now().Add(time.Hour))
			c.Done()
			chains["waits"](parents[2], calls)
			c.End()
		},
		"deadline": func(calls *deadline.Calls, parents []context.Context) {
			chains["waits"](parents[1], calls)
			c := calls.Begin(parents[1], time.Now().Add(time.Minute))
			defer c.End()
			<-c.Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var parents []context.Context
				for i := range 300 {
					var parent context.Context = &custom{Context: t.Context(), done: make(chan struct{})}
					if i%3 > 0 {
						var cancel context.CancelFunc
						parent, cancel = context.WithCancel(t.Context())
						defer cancel()
					}
					parents = append(parents, parent)
				}
				calls := deadline.NewCalls()
				use(calls, parents)
				time.Sleep(2*time.Second + 1) // the timer was set for a second, and may find calls then
				synctest.Wait()
				held := weak.Make(calls)
				calls = nil
				runtime.GC()
				if held.Value() != nil {
					t.Error("a parent or a timer holds the chain")
				}
				runtime.KeepAlive(parents)
			})
		})
	}
}

// TestWatchAtRandom has calls end in all ways at once: a context that is done says why, and one that has an error is done.
func TestWatchAtRandom(t *testing.T) {
	t.Parallel()
	calls := deadline.NewCalls()
	wait(t.Context(), calls)
	for round := range 30 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			parent, cancel := context.WithCancel(t.Context())
			defer cancel()
			var all sync.WaitGroup
			for worker := range 8 {
				all.Go(func() {
					for range 100 {
						c := calls.Begin(parent, time.Now().Add(rand.N(50*time.Microsecond)))
						var own sync.WaitGroup
						own.Go(func() { <-c.Done() })
						own.Go(func() {
							<-c.Done()
							if c.Err() == nil {
								t.Error("it is done and has no error")
							}
						})
						if rand.IntN(2) == 0 {
							c.End()
						}
						if worker == 0 && rand.IntN(500) == 0 {
							cancel()
						}
						own.Wait()
						err := c.Err()
						c.End()
						if again := c.Err(); again != err {
							t.Errorf("it has ended with %v, then with %v", err, again)
						}
					}
				})
			}
			all.Wait()
		})
	}
}
