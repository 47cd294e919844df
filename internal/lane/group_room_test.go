package lane

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// wait publishes e from a handler, or from outside, and waits for room. The error comes when the publish has ended.
func wait(l lane, e event, from *Caller) <-chan error {
	done := make(chan error, 1)
	go func() {
		for full := try(l, e); full != nil; full = try(l, e) {
			if err := (&Wait{From: from}).For(context.Background(), full); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	synctest.Wait()
	return done
}

// pending reports whether nothing has come yet.
func pending(done <-chan error) bool {
	synctest.Wait()
	return len(done) == 0
}

// A new member brings room, also when it can take nothing of what waits.
func TestGroupJoiningBringsRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		block := func(event) Outcome {
			<-release
			return Succeeded
		}
		q := NewQueue(config(Config{}), keyed())
		a := join(q, Config{Capacity: 1}, block)
		publish(t, q, event{id: 1, key: "k"})
		synctest.Wait()
		publish(t, q, event{id: 2, key: "k"})
		done := wait(q, event{id: 3, key: "k"}, nil)
		if !pending(done) {
			t.Error("no room, and no waiting")
		}
		b := join(q, Config{Capacity: 1}, block)
		if pending(done) {
			t.Error("there is room, and nobody has told")
		}
		if q.Depth() != 2 {
			t.Errorf("%d wait", q.Depth())
		}
		close(release)
		<-done
		synctest.Wait()
		a.Close()
		b.Close()
	})
}

// When a member has left, handlers of the others may be left that wait for each other.
func TestGroupLeavingMakesACycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var release [2]chan struct{}
		block := func(i int) handlerFunc {
			release[i] = make(chan struct{})
			return func(event) Outcome {
				<-release[i]
				return Succeeded
			}
		}
		q := NewQueue(config(Config{}), keyed())
		leaver, stayer := join(q, Config{Capacity: 1}, block(0)), join(q, Config{Capacity: 1}, block(1))
		publish(t, q, numbered(1, 2)...)
		synctest.Wait()
		publish(t, q, numbered(3, 4)...)
		done := wait(q, event{id: 5}, &Caller{Gate: stayer.gate}) // the handler of the one that stays
		leaver.Close()
		if !pending(done) {
			t.Errorf("a handler that may end is no reason to fail: %v", <-done)
		}
		close(release[0])
		var cycle *CycleError
		if pending(done) {
			t.Error("waits for ever")
		} else if err := <-done; !errors.As(err, &cycle) {
			t.Error(err)
		}
		close(release[1])
		synctest.Wait()
		stayer.Close()
	})
}

// A handler of a member that has left makes no cycle: the others go on.
func TestGroupHandlerOfALeaverMakesNoCycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, rest, graph := make(chan struct{}), make(chan struct{}), &Graph{}
		block := func(release chan struct{}) handlerFunc {
			return func(event) Outcome {
				<-release
				return Succeeded
			}
		}
		group := NewQueue(config(Config{Name: "group", Graph: graph}), keyed())
		leaver, stayer := join(group, Config{Capacity: 1}, block(first)), join(group, Config{Capacity: 1}, block(rest))
		other, m := newQueue(Config{Name: "other", Graph: graph, Capacity: 1}, plain(), block(rest))
		for range 2 { // all are at an event, then all is full
			publish(t, group, numbered(1, 2)...)
			publish(t, other, event{id: 1})
			synctest.Wait()
		}
		leaver.Close()
		ofLeaver, ofStayer, ofOther := &Caller{Gate: &group.Gate}, &Caller{Gate: &group.Gate}, &Caller{Gate: &other.Gate}
		if cycle := graph.enter(ofLeaver, &other.Gate); cycle != nil {
			t.Error(cycle)
		}
		if cycle := graph.enter(ofOther, &group.Gate); cycle != nil {
			t.Error("nobody counts on the member that stays")
		}
		graph.leave(ofLeaver, &other.Gate)
		close(first)
		synctest.Wait()
		if cycle := graph.enter(ofStayer, &other.Gate); cycle == nil {
			t.Error("the member that has left still counts")
		}
		close(rest)
		synctest.Wait()
		stayer.Close()
		m.Close()
	})
}
