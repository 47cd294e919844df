package deadline

import (
	"context"
	"sync/atomic"
	"time"
)

// Calls makes the contexts of the calls of one chain. Where handlers wait for their contexts, it watches for all of them with one timer, and is
// attached to their parent once, as long as it is the same: that is what context.WithDeadline spends its time on.
//
// Contexts derived from a context need another kind of it. Package context attaches them to one whose channel it has made itself, and starts a
// goroutine for each otherwise. So a chain begins with a [Context]. It leaves it when a handler has waited without deriving another one, and comes
// back for good when one has: only the first that derives then, and those at work beside it, cost a goroutine each. All methods may be called
// concurrently.
type Calls struct {
	habit atomic.Uint32
	watch watch
}

// What the handlers of a chain do with their contexts.
const (
	unknown uint32 = iota
	wait
	derive
)

// Ending is a context that ends with the call of End, at the latest, which may be called several times.
type Ending interface {
	context.Context
	End()
}

// NewCalls returns those of a chain. There is nothing to close: what is set up is gone a second after the last call.
func NewCalls() *Calls {
	c := &Calls{}
	c.watch.all.next, c.watch.all.prev = &c.watch.all, &c.watch.all
	return c
}

// Begin returns the context of a call with that parent, which has to end before at. The caller calls End.
func (c *Calls) Begin(parent context.Context, at time.Time) Ending {
	switch c.habit.Load() {
	case wait:
		return &call{parent: parent, at: at, of: c}
	case derive:
		return &Context{Parent: parent, At: at}
	}
	return &trial{Context{Parent: parent, At: at}, c}
}

// trial is the context of a call of a chain of which nothing is known.
type trial struct {
	Context
	of *Calls
}

// Value returns that of the context, and sees whether package context attaches another one.
func (t *trial) Value(key any) any {
	if key == attachment && t.watching.Load() {
		t.of.habit.Store(derive)
	}
	return t.Context.Value(key)
}

// End ends the context.
func (t *trial) End() {
	if t.watching.Load() {
		t.of.habit.CompareAndSwap(unknown, wait)
	}
	t.Context.End()
}

// attachment is the key that package context looks up to find what a derived context can be attached to. It is known by asking for the cause of
// a context that has ended, for which package context looks there as well. nil if it does not: then it is attached to nothing here.
var attachment = func() any {
	a := &asked{Context: context.Background()}
	_ = context.Cause(a) // it is Err
	return a.key
}()

// asked is a context that has ended, and notes what it was asked for.
type asked struct {
	context.Context
	key any
}

// Err says that it has ended.
func (a *asked) Err() error { return context.Canceled }

// Value notes the key.
func (a *asked) Value(key any) any {
	a.key = key
	return nil
}
