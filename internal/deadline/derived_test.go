package deadline_test

import (
	"context"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type keyType struct{}

// wrapped is a context around another one that adds nothing to it, such as that of a handler.
type wrapped struct{ context.Context }

// TestDerived checks that contexts derived from it end with it and for the same reason, and are stopped by its end.
func TestDerived(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after time.Duration
		want  error
	}{
		"deadline": {time.Second, context.DeadlineExceeded},
		"end":      {0, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := in(context.WithValue(t.Context(), keyType{}, 1), time.Second)
				defer c.End()
				if c.Value(keyType{}) != 1 {
					t.Error("the parent's value is gone")
				}
				derived, cancel := context.WithCancel(c)
				defer cancel()
				around, cancelAround := context.WithTimeout(wrapped{c}, time.Hour)
				defer cancelAround()
				called := 0
				context.AfterFunc(c, func() { called++ })
				stop := context.AfterFunc(c, func() { t.Error("a stopped function was called") })
				if !stop() {
					t.Error("the function was called already")
				}
				if derived.Value(keyType{}) != 1 || around.Value(keyType{}) != 1 {
					t.Error("the parent's value is gone from derived contexts")
				}
				time.Sleep(tc.after)
				synctest.Wait() // for the timer
				c.End()
				synctest.Wait()
				if derived.Err() != tc.want || around.Err() != tc.want || called != 1 {
					t.Errorf("derived contexts have ended with %v and %v, the function was called %d times", derived.Err(), around.Err(), called)
				}
			})
		})
	}
}

// TestDerivedEndsFirst checks that the end of a derived context is not that of this one.
func TestDerivedEndsFirst(t *testing.T) {
	t.Parallel()
	c := in(t.Context(), time.Hour)
	defer c.End()
	derived, cancel := context.WithCancel(c)
	cancel()
	if derived.Err() != context.Canceled || c.Err() != nil {
		t.Errorf("derived: %v, this one: %v", derived.Err(), c.Err())
	}
}

// TestDerivedNeedNoGoroutine checks that package context attaches derived contexts, and those of contexts around it, to what it knows.
func TestDerivedNeedNoGoroutine(t *testing.T) { // not parallel: it looks at all goroutines
	c := in(t.Context(), time.Hour)
	defer c.End()
	_, cancel := context.WithCancel(c)
	defer cancel()
	_, cancelWrapped := context.WithCancel(wrapped{c})
	defer cancelWrapped()
	defer context.AfterFunc(wrapped{c}, func() {})()
	noGoroutine(t)
}

// noGoroutine fails where package context has started a goroutine to watch a context.
func noGoroutine(t *testing.T) {
	t.Helper()
	var all strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(all.String(), "propagateCancel") {
		t.Errorf("a goroutine watches it:\n%s", all.String())
	}
}
