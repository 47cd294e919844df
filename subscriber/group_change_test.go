package subscriber_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// A member that joins a group in which events wait handles them, before New has returned if need be.
func TestJoinGroupWithBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		busy, o := bustest.NewSubscriber[int](t, bustest.Block()), &subscriber.Options{Group: "g"}
		first := subscribe(t, b, numbers, busy.Handle, o)
		publish(t, newPublisher(t, b), 0, 1, 2, 3)
		busy.WaitRunning(1)
		second := subscribe(t, b, numbers, ignore, o)
		synctest.Wait()
		expect(t, "the first", first.Stats(), subscriber.Stats{Running: 1})
		expect(t, "the second", second.Stats(), subscriber.Stats{Succeeded: 3})
	})
}

// A member that is closed hands on what it has not begun, and the next event of a key waits until its handler has returned.
func TestLeavingAGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		a := member(t, b, "a", d, subscriber.Options{})
		p := publisherOf(t, b, orders)
		publish(t, p, order{"k", 0}, order{"k", 1}, order{"k", 2}, order{"", 3})
		synctest.Wait() // a is at the first
		other := member(t, b, "b", d, subscriber.Options{Workers: 4})
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		expect(t, "a, when it has left", a.Stats(), subscriber.Stats{Running: 1})
		expect(t, "b, then", other.Stats(), subscriber.Stats{Queued: 2, Running: 1})
		shutdown(t, b)
		got := d.all()
		slices.Sort(got[:2])
		if !slices.Equal(got, []string{"a k0", "b 3", "b k1", "b k2"}) || d.when()[3] != 3*time.Second {
			t.Errorf("%v at %v", got, d.when())
		}
		expect(t, "a", a.Stats(), subscriber.Stats{Succeeded: 1})
		expect(t, "b", other.Stats(), subscriber.Stats{Succeeded: 3})
	})
}

// A member that joins takes over keys, but none of which an event is being handled until that is done.
func TestJoiningAGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		member(t, b, "a", d, subscriber.Options{Workers: 40})
		p := publisherOf(t, b, orders)
		for n := range 2 {
			for key := range 40 {
				publish(t, p, order{fmt.Sprint(key, "-"), n})
			}
		}
		synctest.Wait()
		joined := member(t, b, "b", d, subscriber.Options{Workers: 40})
		synctest.Wait()
		expect(t, "b, while a is at all keys", joined.Stats(), subscriber.Stats{})
		shutdown(t, b)
		got, when := d.all(), d.when()
		if len(got) != 80 || when[39] != time.Second || when[40] != 2*time.Second || when[79] != 2*time.Second {
			t.Fatalf("%d events at %v", len(got), when)
		}
		for i, line := range got {
			if second := i >= 40; strings.HasSuffix(line, "1") != second || !second && line[0] != 'a' {
				t.Errorf("event %d: %s", i, line)
			}
		}
		if s := joined.Stats(); s.Succeeded == 0 || s.Succeeded == 40 {
			t.Errorf("b has handled %d of the second events", s.Succeeded)
		}
	})
}

// What waits when the last member leaves is abandoned, and a group of the same name begins anew.
func TestLastMemberLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		d := newDiary[string]()
		first, second := member(t, b, "a", d, subscriber.Options{}), member(t, b, "b", d, subscriber.Options{})
		p := publisherOf(t, b, orders)
		publish(t, p, order{"", 0}, order{"", 1}, order{"", 2}, order{"", 3}, order{"", 4})
		synctest.Wait()
		if err := errors.Join(first.Close(), second.Close()); err != nil {
			t.Fatal(err)
		}
		expect(t, "the first", first.Stats(), subscriber.Stats{Running: 1})
		expect(t, "the last", second.Stats(), subscriber.Stats{Running: 1, Abandoned: 3})
		publish(t, p, order{"", 5})
		again := member(t, b, "c", d, subscriber.Options{Overflow: bus.DropOldest})
		publish(t, p, order{"", 6})
		shutdown(t, b)
		expect(t, "the new group", again.Stats(), subscriber.Stats{Succeeded: 1})
		if got := d.all(); !slices.Contains(got, "c 6") || len(got) != 3 {
			t.Errorf("handled %v", got)
		}
	})
}

// The queues of the members add up, and a publisher that waits for room has it when a member joins.
func TestGroupQueuesAddUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		member(t, b, "a", d, subscriber.Options{Queue: 2})
		p := publisherOf(t, b, orders)
		for n := range 3 {
			publish(t, p, order{"k", n})
			synctest.Wait()
		}
		result := make(chan error)
		go func() { result <- p.Publish(context.Background(), order{"k", 3}) }()
		synctest.Wait()
		member(t, b, "b", d, subscriber.Options{Queue: 1})
		if err := <-result; err != nil || time.Since(d.begin) > 0 {
			t.Errorf("%v after %v", err, time.Since(d.begin))
		}
		if err := p.Publish(within(t, time.Millisecond), order{"k", 4}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a fourth event that waits: %v", err)
		}
	})
}
