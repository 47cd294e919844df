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
	"github.com/fanfare-go/fanfare/topic"
)

func batch[T any](t *testing.T, b *bus.Bus, sel topic.Selector[T], handler func(context.Context, []topic.Event[T]) error, o *subscriber.BatchOptions) *subscriber.Subscription {
	t.Helper()
	s, err := subscriber.Batch(b, sel, handler, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// values returns the values of events, as text.
func values[T any](events []topic.Event[T]) string {
	all := make([]T, len(events))
	for i, e := range events {
		all[i] = e.Value
	}
	return fmt.Sprint(all)
}

// collect is a handler that notes the batches.
func collect[T any](d *diary[string]) func(context.Context, []topic.Event[T]) error {
	return func(_ context.Context, events []topic.Event[T]) error {
		d.note(values(events))
		return nil
	}
}

// A batch is handed over as soon as it is full, or when its first event has waited for Linger.
func TestBatchSizeAndLinger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		s := batch(t, b, numbers, collect[int](d), &subscriber.BatchOptions{Size: 3, Linger: time.Minute})
		p := newPublisher(t, b)
		publish(t, p, 1, 2, 3, 4)
		synctest.Wait()
		expect(t, "one over", s.Stats(), subscriber.Stats{Succeeded: 3, Queued: 1})
		time.Sleep(40 * time.Second)
		publish(t, p, 5) // does not begin the minute anew
		time.Sleep(40 * time.Second)
		publish(t, p, 6, 7)
		time.Sleep(50 * time.Second)
		publish(t, p, 8) // fills the batch
		time.Sleep(time.Hour)
		if got, when := d.all(), d.when(); !slices.Equal(got, []string{"[1 2 3]", "[4 5]", "[6 7 8]"}) || !slices.Equal(when, []time.Duration{0, time.Minute, 130 * time.Second}) {
			t.Errorf("%v at %v", got, when)
		}
		expect(t, "all", s.Stats(), subscriber.Stats{Succeeded: 8})
	})
}

// A hundred events, or ten milliseconds, are the defaults. A negative Linger takes what is there.
func TestBatchDefaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		sizes, now := newDiary[int](), newDiary[int]()
		count := func(d *diary[int]) func(context.Context, []topic.Event[int]) error {
			return func(_ context.Context, events []topic.Event[int]) error {
				d.note(len(events))
				time.Sleep(time.Second)
				return nil
			}
		}
		batch(t, b, numbers, count(sizes), nil)
		batch(t, b, numbers, count(now), &subscriber.BatchOptions{Linger: -1})
		p := newPublisher(t, b)
		publish(t, p, 0)
		synctest.Wait()
		for i := range 120 {
			publish(t, p, i)
		}
		time.Sleep(time.Minute)
		if got, when := sizes.all(), sizes.when(); !slices.Equal(got, []int{100, 21}) || when[0] != 0 || when[1] != time.Second+10*time.Millisecond {
			t.Errorf("batches of %v at %v", got, when)
		}
		if got, when := now.all(), now.when(); !slices.Equal(got, []int{1, 100, 20}) || when[0] != 0 || when[2] != 2*time.Second {
			t.Errorf("without lingering, batches of %v at %v", got, when)
		}
	})
}

// With several workers batches are handled in parallel, with one event of a key in each: a key is never in two at once.
func TestBatchesOfSeveralWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		s := batch(t, b, orders, func(_ context.Context, events []topic.Event[order]) error {
			d.note(values(events))
			time.Sleep(time.Second)
			return nil
		}, &subscriber.BatchOptions{Options: subscriber.Options{Workers: 2}, Size: 2, Linger: -1})
		p := publisherOf(t, b, orders)
		publish(t, p, order{"ada", 0})
		synctest.Wait()
		publish(t, p, order{"ada", 1}, order{"bob", 0})
		synctest.Wait()
		publish(t, p, order{"ada", 2}, order{"bob", 1}, order{"eve", 0})
		shutdown(t, b)
		got, when := d.all(), d.when()
		if !slices.Equal(when, []time.Duration{0, 0, time.Second, time.Second, 2 * time.Second}) {
			t.Errorf("%v at %v", got, when)
		}
		at := func(event string) int {
			return slices.IndexFunc(got, func(batch string) bool { return strings.Contains(batch, event) })
		}
		if at("ada 0") != 0 || at("bob 0") != 1 || at("ada 2") != 4 || at("ada 1")/2 != 1 || at("bob 1")/2 != 1 {
			t.Errorf("batches %v", got)
		}
		expect(t, "all", s.Stats(), subscriber.Stats{Succeeded: 6})
	})
}

// Shutdown hands over the batch that is being gathered at once, and the rest in batches.
func TestShutdownEndsLingering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		batch(t, b, numbers, collect[int](d), &subscriber.BatchOptions{Size: 3, Linger: time.Hour})
		publish(t, newPublisher(t, b), 1, 2, 3, 4, 5)
		synctest.Wait()
		shutdown(t, b)
		if got := d.all(); !slices.Equal(got, []string{"[1 2 3]", "[4 5]"}) || time.Since(d.begin) > 0 {
			t.Errorf("%v after %v", got, time.Since(d.begin))
		}
	})
}

// Close abandons what is being gathered, and does not wait for it.
func TestCloseEndsLingering(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"subscription", "bus"} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			bustest.AllowUndelivered(t, b)
			d := newDiary[string]()
			s := batch(t, b, numbers, collect[int](d), &subscriber.BatchOptions{Size: 3, Linger: time.Hour})
			publish(t, newPublisher(t, b), 1, 2)
			synctest.Wait()
			end := s.Close
			if what == "bus" {
				end = b.Close
			}
			if err := end(); err != nil {
				t.Error(err)
			}
			<-s.Done()
			if time.Since(d.begin) > 0 || len(d.all()) > 0 {
				t.Errorf("the %s took %v to end, handled %v", what, time.Since(d.begin), d.all())
			}
			expect(t, what, s.Stats(), subscriber.Stats{Abandoned: 2})
		})
	}
}

// What is being gathered waits in the queue: it counts there, and the policy is asked when that is full.
func TestOverflowOfBatches(t *testing.T) {
	t.Parallel()
	for overflow, want := range map[bus.Overflow]struct {
		stats   subscriber.Stats
		batches []string
	}{
		bus.Block:      {subscriber.Stats{Queued: 3, Running: 2}, []string{"[1 2]", "[3 4]", "[5]"}},
		bus.Fail:       {subscriber.Stats{Queued: 3, Running: 2}, []string{"[1 2]", "[3 4]", "[5]"}},
		bus.DropOldest: {subscriber.Stats{Queued: 3, Running: 2, Dropped: 1}, []string{"[1 2]", "[4 5]", "[6]"}},
		bus.DropNewest: {subscriber.Stats{Queued: 3, Running: 2, Dropped: 1}, []string{"[1 2]", "[3 4]", "[5]"}},
		bus.Latest:     {subscriber.Stats{Queued: 1, Running: 1, Dropped: 4}, []string{"[2]", "[6]"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			bustest.AllowUndelivered(t, b)
			d := newDiary[string]()
			release := make(chan struct{})
			s := batch(t, b, numbers, func(_ context.Context, events []topic.Event[int]) error {
				d.note(values(events))
				<-release
				return nil
			}, &subscriber.BatchOptions{Options: subscriber.Options{Queue: 3, Overflow: overflow}, Size: 2, Linger: time.Second})
			p := newPublisher(t, b)
			publish(t, p, 1, 2)
			time.Sleep(time.Minute)
			publish(t, p, 3, 4, 5)
			err := p.Publish(within(t, time.Minute), 6)
			if waits := overflow == bus.Block; waits != errors.Is(err, context.DeadlineExceeded) || (overflow == bus.Fail) != errors.Is(err, bus.ErrFull) {
				t.Errorf("%v: %v", overflow, err)
			}
			expect(t, overflow.String(), s.Stats(), want.stats)
			close(release)
			shutdown(t, b)
			if got := d.all(); !slices.Equal(got, want.batches) {
				t.Errorf("%v: batches %v, want %v", overflow, got, want.batches)
			}
		})
	}
}

func TestBatchOptionsOutsideTheirLimits(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	handler := func(context.Context, []topic.Event[int]) error { return nil }
	for want, o := range map[string]*subscriber.BatchOptions{
		"subscriber.BatchOptions.Size is -1, it must be 1 to 1048576, or 0 for 100":      {Size: -1},
		"subscriber.BatchOptions.Size is 1048577, it must be 1 to 1048576, or 0 for 100": {Size: 1<<20 + 1},
		"subscriber.BatchOptions.Size is 11, it must be no more than Queue, 10":          {Size: 11, Options: subscriber.Options{Queue: 10}},
		"subscriber.BatchOptions.Size is 100, it must be no more than Queue, 10":         {Options: subscriber.Options{Queue: 10}},
		"subscriber.Options.Inline is true, it must be false for batches":                {Options: subscriber.Options{Inline: true}},
		"subscriber.Options.Queue is -5, it must be 1 to 16777216, or 0 for 1024":        {Options: subscriber.Options{Queue: -5}},
		"subscriber.Options.Workers is -1, it must be 1 to 65536, or 0 for 1":            {Options: subscriber.Options{Workers: -1}},
	} {
		_, err := subscriber.Batch(b, numbers, handler, o)
		var option *bus.OptionError
		if !errors.As(err, &option) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := subscriber.Batch[int](b, numbers, nil, nil); err == nil || !strings.Contains(err.Error(), "subscriber.Batch handler") {
		t.Errorf("a nil handler: %v", err)
	}
	o := subscriber.BatchOptions{Size: 2000}
	batch(t, b, numbers, handler, &o) // the queue grows with it
	if o.Queue != 0 || o.Linger != 0 || o.Name != "" {
		t.Errorf("defaults were written into the caller's options: %+v", o)
	}
}
