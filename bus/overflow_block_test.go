package bus_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// isFull checks that err is that of a publish on keyed that a full subscription ended after waiting.
func isFull(t *testing.T, err error, subscription string, waited time.Duration) {
	t.Helper()
	var full *bus.FullError
	if !errors.Is(err, bus.ErrFull) || !errors.As(err, &full) || *full != (bus.FullError{Topic: "keyed", Subscription: subscription, Waited: waited}) {
		t.Errorf("got %#v, want that %s had no room for %v", err, subscription, waited)
	}
}

// Sentence 3: with BlockTimeout a Publish waits for that long, and then fails: nobody has got the event, it has no number.
func TestBlockTimeout(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]subscriber.Options{"plain": {}, "two workers": {Workers: 2}, "group": {Group: "slow"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				bustest.AllowUndelivered(t, b)
				o.Name, o.Queue, o.BlockTimeout = "slow", 1, 3*time.Second
				drops := stall(t, b, keyed, &subscriber.Options{Queue: 1, Overflow: bus.DropOldest})
				slow := stall(t, b, keyed, &o)
				r := bustest.Record(t, b, keyed)
				p := newPublisher(t, b, keyed)
				publish(t, t.Context(), p, "a1")
				synctest.Wait()
				publish(t, t.Context(), p, "a2")
				begin := time.Now()
				isFull(t, p.Publish(t.Context(), "a3"), "slow", 3*time.Second)
				if waited := time.Since(begin); waited != 3*time.Second {
					t.Errorf("it took %v", waited)
				}
				if err := p.Publish(within(t, time.Second), "a3"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, bus.ErrFull) {
					t.Errorf("%v, want that of the context, which ends before", err)
				}
				if r.Wait(2); len(r.All()) != 2 || drops.Stats().Dropped != 0 || b.Stats().Refused != 2 {
					t.Errorf("recorded %v; %+v; %+v", r.All(), drops.Stats(), b.Stats())
				}
				go func() {
					time.Sleep(3*time.Second - 1) // virtual
					slow.release <- struct{}{}
				}()
				publish(t, t.Context(), p, "a4") // there is room just in time
				if last := r.Wait(3)[2]; last.Value != "a4" || last.Seq() != 3 {
					t.Errorf("%v", last)
				}
				close(drops.release)
				close(slow.release)
				synctest.Wait()
				if stats := slow.Stats(); stats.Succeeded != 3 || stats.Dropped != 0 {
					t.Errorf("%+v", stats)
				}
			})
		})
	}
}

// Sentence 3: however many subscriptions a Publish waits for in turn, none makes it wait for longer than its timeout in all.
func TestBlockTimeoutIsForAllWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		o := &subscriber.Options{Name: "first", Queue: 1, BlockTimeout: 3 * time.Second}
		first := stall(t, b, keyed, o)
		o.Name = "second"
		second := stall(t, b, topic.NewPrefix[string](""), o)
		p := newPublisher(t, b, keyed)
		publish(t, t.Context(), p, "a1")
		synctest.Wait()
		publish(t, t.Context(), p, "a2")
		go func() {
			time.Sleep(2 * time.Second) // virtual
			first.release <- struct{}{}
		}()
		isFull(t, p.Publish(t.Context(), "a3"), "second", 3*time.Second)
		second.expect(t, 0, "a1", "a2")
		close(first.release)
	})
}

// Sentence 3: a handler that publishes waits as anybody does.
func TestBlockTimeoutFromHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		slow := stall(t, b, keyed, &subscriber.Options{Name: "slow", Queue: 1, BlockTimeout: 3 * time.Second})
		p := newPublisher(t, b, keyed)
		results := make(chan error, 1)
		subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
			results <- p.Publish(ctx, "a3")
			return nil
		}, nil)
		publish(t, t.Context(), p, "a1")
		synctest.Wait()
		publish(t, t.Context(), p, "a2")
		publish(t, t.Context(), newPublisher(t, b, numbers), 1)
		isFull(t, <-results, "slow", 3*time.Second)
		slow.expect(t, 0, "a1", "a2")
	})
}

// Sentence 3: those that fail are asked before anybody is waited for, in whatever order they were made.
func TestFailComesBeforeBlock(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]bus.Overflow{"first": {bus.Fail, bus.Block}, "last": {bus.Block, bus.Fail}} {
		for kind, sel := range map[string]topic.Selector[string]{"topic": keyed, "prefix": topic.NewPrefix[string]("")} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := bustest.New(t)
					var all []*stalled
					for _, policy := range order {
						all = append(all, stall(t, b, sel, &subscriber.Options{Name: policy.String(), Queue: 1, Overflow: policy}))
					}
					p := newPublisher(t, b, keyed)
					publish(t, t.Context(), p, "a1")
					synctest.Wait()
					publish(t, t.Context(), p, "a2")
					begin := time.Now()
					isFull(t, p.Publish(within(t, time.Minute), "a3"), "Fail", 0)
					if waited := time.Since(begin); waited != 0 {
						t.Errorf("it took %v", waited)
					}
					for _, s := range all {
						s.expect(t, 0, "a1", "a2")
					}
				})
			})
		}
	}
}

func TestOverflowIsChecked(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	none := func(context.Context, topic.Event[string]) error { return nil }
	for _, tc := range []struct {
		options subscriber.Options
		field   string // "" for none
	}{
		{subscriber.Options{Overflow: bus.Fail}, ""},
		{subscriber.Options{Overflow: bus.Fail + 1}, "subscriber.Options.Overflow"},
		{subscriber.Options{Overflow: 255}, "subscriber.Options.Overflow"},
		{subscriber.Options{BlockTimeout: -1}, "subscriber.Options.BlockTimeout"},
		{subscriber.Options{BlockTimeout: 1, Overflow: bus.DropOldest}, "subscriber.Options.BlockTimeout"},
		{subscriber.Options{BlockTimeout: 1, Overflow: bus.Fail}, "subscriber.Options.BlockTimeout"},
		{subscriber.Options{BlockTimeout: 1, Overflow: bus.Block}, ""},
		{subscriber.Options{BlockTimeout: 1}, ""},
	} {
		s, err := subscriber.New(b, keyed, none, &tc.options)
		var wrong *bus.OptionError
		if errors.As(err, &wrong); (wrong == nil) != (tc.field == "") || (s == nil) != (tc.field != "") || wrong != nil && wrong.Field != tc.field {
			t.Errorf("%+v: %v", tc.options, err)
		}
	}
}
