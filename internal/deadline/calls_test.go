package deadline_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/internal/deadline"
)

// wait is a call whose handler waits for its context; derives is one that derives another one.
func wait(parent context.Context, calls *deadline.Calls) {
	c := calls.Begin(parent, time.Now().Add(time.Hour))
	defer c.End()
	c.Done()
}

func derives(parent context.Context, calls *deadline.Calls) {
	c := calls.Begin(parent, time.Now().Add(time.Hour))
	defer c.End()
	_, cancel := context.WithCancel(c)
	cancel()
}

// chains are chains by the calls that they had, with the parent of the next one or others.
var chains = map[string]func(parent context.Context, calls *deadline.Calls){
	"new": func(context.Context, *deadline.Calls) {},
	"waits": func(parent context.Context, calls *deadline.Calls) {
		for range 4 {
			wait(parent, calls)
		}
	},
	"waited for others": func(_ context.Context, calls *deadline.Calls) {
		for range 4 {
			other, cancel := context.WithCancel(context.Background())
			wait(other, calls)
			cancel()
		}
	},
	"derives": derives,
	"waited, then derived": func(parent context.Context, calls *deadline.Calls) {
		wait(parent, calls)
		derives(parent, calls)
	},
}

// custom is a context with an end of its own, and not that of the one that it has its values from.
type custom struct {
	context.Context
	done chan struct{}

	mu  sync.Mutex
	err error
}

func (c *custom) Done() <-chan struct{} { return c.done }

func (c *custom) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *custom) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	close(c.done)
}

var errLost = errors.New("connection lost")

// parents are contexts of any kind, with what ends them.
var parents = map[string]func(t *testing.T) (parent context.Context, end func()){
	"canceled": func(*testing.T) (context.Context, func()) {
		parent, cancel := context.WithCancelCause(context.Background())
		return parent, func() { cancel(errLost) }
	},
	"value": func(*testing.T) (context.Context, func()) {
		parent, cancel := context.WithCancelCause(context.Background())
		return context.WithValue(parent, keyType{}, 1), func() { cancel(errLost) }
	},
	"wrapped": func(*testing.T) (context.Context, func()) {
		parent, cancel := context.WithCancelCause(context.Background())
		return wrapped{parent}, func() { cancel(errLost) }
	},
	"custom": func(t *testing.T) (context.Context, func()) {
		values, cancel := context.WithCancel(context.Background())
		parent := &custom{Context: values, done: make(chan struct{})}
		t.Cleanup(cancel)
		return parent, func() { parent.end(errLost) }
	},
}

// TestCalls checks when the context of a call has ended, and why, whether somebody waits for it or not.
func TestCalls(t *testing.T) {
	t.Parallel()
	type ending struct {
		end     func(c deadline.Ending, parent func())
		after   time.Duration
		want    error // nil: that of the parent, if the parent has ended
		parents bool
	}
	endings := map[string]ending{
		"goes on":         {func(deadline.Ending, func()) {}, time.Second - 1, nil, false},
		"deadline":        {func(deadline.Ending, func()) {}, time.Second, context.DeadlineExceeded, false},
		"parent":          {func(_ deadline.Ending, parent func()) { parent() }, 0, nil, true},
		"parent, later":   {func(_ deadline.Ending, parent func()) { parent() }, time.Hour, nil, true},
		"end":             {func(c deadline.Ending, _ func()) { c.End(); c.End() }, 0, context.Canceled, false},
		"end, then later": {func(c deadline.Ending, _ func()) { c.End() }, time.Hour, context.Canceled, false},
	}
	for chain, teach := range chains {
		for kind, newParent := range parents {
			for how, tc := range endings {
				for name, waiting := range map[string]bool{"": false, ", waiting": true} {
					t.Run(chain+", "+kind+", "+how+name, func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) {
							parent, end := newParent(t)
							end = sync.OnceFunc(end)
							defer end()
							calls := deadline.NewCalls()
							teach(parent, calls)
							c := calls.Begin(parent, time.Now().Add(time.Second))
							defer c.End()
							if waiting {
								c.Done()
							}
							tc.end(c, end)
							time.Sleep(tc.after)
							synctest.Wait() // for timers and what comes through a goroutine
							want, cause := tc.want, tc.want
							if tc.parents {
								want, cause = parent.Err(), context.Cause(parent)
							}
							done := c.Done()
							select {
							case <-done:
								if want == nil {
									t.Error("it is done")
								}
							default:
								if want != nil {
									t.Error("it is not done")
								}
							}
							if err := c.Err(); err != want {
								t.Errorf("it has ended with %v, want %v", err, want)
							}
							if err := context.Cause(c); err != cause {
								t.Errorf("the cause is %v, want %v", err, cause)
							}
							if how == "goes on" {
								return
							}
							c.End()
							end()
							time.Sleep(time.Hour)
							teach(context.Background(), calls) // what comes later is nothing to a context that was kept
							if err := c.Err(); err != want || context.Cause(c) != cause || c.Done() != done {
								t.Errorf("then it has ended with %v because of %v, want %v because of %v", err, context.Cause(c), want, cause)
							}
						})
					})
				}
			}
		}
	}
}

// TestCallsDerived checks that contexts derived from that of a call end with it and for the same reason.
func TestCallsDerived(t *testing.T) {
	t.Parallel()
	for chain, teach := range chains {
		for name, after := range map[string]time.Duration{"end": 0, "deadline": time.Second} {
			t.Run(chain+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					parent, cancelParent := context.WithCancel(context.WithValue(t.Context(), keyType{}, 1))
					defer cancelParent()
					calls := deadline.NewCalls()
					teach(parent, calls)
					c := calls.Begin(parent, time.Now().Add(time.Second))
					derived, cancel := context.WithCancel(c)
					defer cancel()
					around, cancelAround := context.WithTimeout(wrapped{c}, time.Hour)
					defer cancelAround()
					if derived.Value(keyType{}) != 1 || around.Value(keyType{}) != 1 {
						t.Error("the parent's value is gone")
					}
					time.Sleep(after)
					synctest.Wait()
					want := context.DeadlineExceeded
					if after == 0 {
						c.End()
						want = context.Canceled
					}
					<-derived.Done()
					<-around.Done()
					if derived.Err() != want || around.Err() != want {
						t.Errorf("they have ended with %v and %v, want %v", derived.Err(), around.Err(), want)
					}
					c.End()
				})
			})
		}
	}
}

// TestCallsNeedNoGoroutine checks that nothing is started for derived contexts by chains that have derived before, nor by new ones. Not parallel: it looks
// at all goroutines.
func TestCallsNeedNoGoroutine(t *testing.T) {
	all := maps.Clone(chains)
	delete(all, "waits")
	delete(all, "waited for others")
	for name, teach := range all {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(t.Context())
				defer cancel()
				calls := deadline.NewCalls()
				teach(parent, calls)
				synctest.Wait() // for the goroutine of the first that derives after others have waited
				for range 3 {
					c := calls.Begin(parent, time.Now().Add(time.Hour))
					_, cancel := context.WithCancel(wrapped{c})
					noGoroutine(t)
					cancel()
					c.End()
				}
			})
		})
	}
}

// TestCallsAllocations is what they are for. Not parallel: it counts allocations.
func TestCallsAllocations(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, tc := range map[string]struct {
		call func(context.Context, *deadline.Calls)
		want float64
	}{
		"waits": {wait, 2},
		"waits, with a value of its own": {func(parent context.Context, calls *deadline.Calls) {
			wait(context.WithValue(parent, keyType{}, 1), calls)
		}, 3},
		"does not wait": {func(parent context.Context, calls *deadline.Calls) {
			c := calls.Begin(parent, time.Now().Add(time.Hour))
			defer c.End()
			if err := c.Err(); err != nil {
				t.Error(err)
			}
		}, 1},
	} {
		calls := deadline.NewCalls()
		for range 4 {
			tc.call(parent, calls)
		}
		if n := testing.AllocsPerRun(100, func() { tc.call(parent, calls) }); n > tc.want {
			t.Errorf("%s: %v allocations, want %v", name, n, tc.want)
		}
	}
}
