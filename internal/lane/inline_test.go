package lane

import (
	"sync"
	"testing"
	"testing/synctest"
)

// isClosed reports whether a channel is closed; nil counts as closed, as nothing is to be waited for.
func isClosed(c <-chan struct{}) bool {
	if c == nil {
		return true
	}
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Calls are counted when they begin and by how they end, with a lock of its own and with that of its route.
func TestInlineCounters(t *testing.T) {
	t.Parallel()
	for _, route := range []*sync.Mutex{nil, {}} {
		i := NewInline(config(Config{ID: 3, Name: "i"}), route)
		if i.Own() != (route == nil) || i.Entry.ID != 3 {
			t.Errorf("own: %v", i.Own())
		}
		begin := func() bool {
			if route != nil {
				route.Lock()
				defer route.Unlock()
			}
			i.Lock()
			defer i.Unlock()
			if i.Full() != nil {
				t.Error("there is something to wait for")
			}
			return i.Begin()
		}
		for range 3 {
			if !begin() || !i.BeginReceived() {
				t.Error("refused")
			}
		}
		if n := balanced(t, &i.Member); n.Matched != 6 || n.Running != 6 {
			t.Errorf("%+v", n)
		}
		for _, o := range []Outcome{Succeeded, Failed, Filtered, Succeeded} {
			i.End(o)
		}
		i.Drop()
		if n := balanced(t, &i.Member); n.Running != 2 || n.Succeeded != 2 || n.Failed != 1 || n.Filtered != 1 || n.Dropped != 1 {
			t.Errorf("%+v", n)
		}
		i.End(Failed)
		i.End(Succeeded)
		i.Close()
		if begin() || i.BeginReceived() {
			t.Error("a call begins after the end")
		}
		if n := balanced(t, &i.Member); n.Matched != 7 || n.Running != 0 || i.Depth() != 0 {
			t.Errorf("%+v, depth %d", n, i.Depth())
		}
	}
}

// Idle and Done tell when the last of the calls that are under way has ended.
func TestInlineIdleAndDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := NewInline(config(Config{}), nil)
		if i.Idle() != nil || !i.Rests() {
			t.Error("there was no call yet")
		}
		i.BeginReceived()
		i.BeginReceived()
		idle, again := i.Idle(), i.Idle()
		i.End(Succeeded)
		if isClosed(idle) || isClosed(again) || i.Rests() {
			t.Error("one call is under way")
		}
		i.End(Succeeded)
		if !isClosed(idle) || !isClosed(again) || !isClosed(i.Idle()) || !i.Rests() {
			t.Error("no call is under way")
		}
		if i.watched.Load() {
			t.Error("calls are asked to tell their end, and nobody waits for it")
		}
		i.BeginReceived()
		i.BeginReceived()
		idle = i.Idle()
		i.Close()
		i.Close()
		i.End(Failed)
		if isClosed(idle) || ended(&i.Member) || i.Rests() {
			t.Error("one call is under way, of a subscription that was closed")
		}
		i.End(Failed)
		if !isClosed(idle) || !ended(&i.Member) || !i.Rests() {
			t.Error("the last call has ended")
		}
		if n := balanced(t, &i.Member); n.Failed != 2 || n.Succeeded != 2 {
			t.Errorf("%+v", n)
		}
	})
}

// Without a call under way the end is at once.
func TestInlineCloseAtRest(t *testing.T) {
	t.Parallel()
	i := NewInline(config(Config{}), nil)
	if ended(&i.Member) {
		t.Error("it is not closed yet")
	}
	i.Close()
	if !ended(&i.Member) {
		t.Error("not done")
	}
	i.Close()
}

// A call that has ended may have been counted by others before it comes to tell so.
func TestInlineTellsOnce(t *testing.T) {
	t.Parallel()
	i := NewInline(config(Config{}), nil)
	count := func() { i.ended[Succeeded].Add(1) } // End up to there
	i.BeginReceived()
	idle := i.Idle()
	count()
	if i.Idle() != nil {
		t.Error("no call is under way")
	}
	i.tell()
	if !isClosed(idle) {
		t.Error("who asked before is not told")
	}
	i.BeginReceived()
	i.BeginReceived()
	i.Close()
	count()
	count()
	i.tell()
	if !ended(&i.Member) || i.Idle() != nil {
		t.Error("no call is under way")
	}
	i.tell() // the other one
}
