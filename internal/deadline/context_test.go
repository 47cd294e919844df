package deadline_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/internal/deadline"
)

// in returns a context with a deadline so long from now.
func in(parent context.Context, d time.Duration) *deadline.Context {
	return &deadline.Context{Parent: parent, At: time.Now().Add(d)}
}

// TestErr checks when the context has ended, and why, whether somebody waits for it or not.
func TestErr(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end   func(c *deadline.Context, parent, other context.CancelFunc) // nil: nothing ends it
		after time.Duration                                               // how long then passes
		want  error
	}{
		"goes on":         {nil, 0, nil},
		"before":          {nil, time.Second - 1, nil},
		"deadline":        {nil, time.Second, context.DeadlineExceeded},
		"parent":          {func(_ *deadline.Context, parent, _ context.CancelFunc) { parent() }, 0, context.Canceled},
		"other":           {func(_ *deadline.Context, _, other context.CancelFunc) { other() }, 0, context.Canceled},
		"end":             {func(c *deadline.Context, _, _ context.CancelFunc) { c.End(); c.End() }, 0, context.Canceled},
		"end, then later": {func(c *deadline.Context, _, _ context.CancelFunc) { c.End() }, time.Hour, context.Canceled},
	} {
		for _, waiting := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					parent, cancel := context.WithCancel(t.Context())
					defer cancel()
					other, cancelOther := context.WithCancel(t.Context())
					defer cancelOther()
					c := in(parent, time.Second)
					c.Other = other
					defer c.End()
					if waiting {
						c.Done()
					}
					if tc.end != nil {
						tc.end(c, cancel, cancelOther)
					}
					time.Sleep(tc.after)
					if waiting {
						synctest.Wait() // the end of the other comes through a goroutine
					}
					if err := c.Err(); err != tc.want {
						t.Errorf("it has ended with %v, want %v", err, tc.want)
					}
					select {
					case <-c.Done():
						if tc.want == nil {
							t.Error("it is done")
						}
					default:
						if tc.want != nil {
							t.Error("it is not done")
						}
					}
					if err := c.Err(); err != tc.want {
						t.Errorf("then it has ended with %v, want %v", err, tc.want)
					}
				})
			})
		}
	}
}

// TestErrBeforeTheTimer has the deadline looked at before its timer has gone off: by a goroutine that ran past it without a pause.
func TestErrBeforeTheTimer(t *testing.T) {
	t.Parallel()
	for range 20 {
		c := in(t.Context(), 20*time.Microsecond)
		done := c.Done()
		for time.Now().Before(c.At) {
		}
		if err := c.Err(); err != context.DeadlineExceeded {
			t.Errorf("it has ended with %v", err)
		}
		select {
		case <-done:
		default:
			t.Error("it has an error and is not done")
		}
		c.End()
	}
}

func TestDoneAtTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		c := in(t.Context(), time.Second)
		defer c.End()
		<-c.Done()
		if took := time.Since(begin); took != time.Second {
			t.Errorf("it was done after %v", took)
		}
	})
}

// TestDeadline checks whose deadline it tells.
func TestDeadline(t *testing.T) {
	t.Parallel()
	now := time.Now()
	sooner, cancel := context.WithDeadline(t.Context(), now.Add(time.Minute))
	defer cancel()
	for name, tc := range map[string]struct {
		parent   context.Context
		at, want time.Time
	}{
		"none":                 {t.Context(), time.Time{}, time.Time{}},
		"its own":              {t.Context(), now.Add(time.Hour), now.Add(time.Hour)},
		"its own comes first":  {sooner, now.Add(time.Second), now.Add(time.Second)},
		"the parent's first":   {sooner, now.Add(time.Hour), now.Add(time.Minute)},
		"the parent's is all":  {sooner, time.Time{}, now.Add(time.Minute)},
		"both at the same one": {sooner, now.Add(time.Minute), now.Add(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &deadline.Context{Parent: tc.parent, At: tc.at}
			if at, ok := c.Deadline(); !at.Equal(tc.want) || ok == tc.want.IsZero() {
				t.Errorf("the deadline is %v, %t, want %v", at, ok, tc.want)
			}
		})
	}
}

// TestErrAtASetClock has a clock that was set forward by an hour: the time has not passed.
func TestErrAtASetClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := in(t.Context(), time.Second)
		defer c.End()
		if err := c.ErrAt(time.Now().Add(time.Hour)); err != nil {
			t.Errorf("it has ended with %v", err)
		}
		if err := c.ErrAt(time.Now().Add(-time.Hour)); err != nil {
			t.Errorf("it has ended with %v", err)
		}
		time.Sleep(time.Second)
		if err := c.ErrAt(time.Now()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it has ended with %v", err)
		}
	})
}

// TestOneAllocation is what the package is for.
func TestOneAllocation(t *testing.T) { // not parallel: it counts allocations
	use := func(ctx context.Context) error { return ctx.Err() }
	parent := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		c := in(parent, time.Hour)
		defer c.End()
		if err := use(c); err != nil {
			t.Error(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
