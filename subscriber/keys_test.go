package subscriber_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// slow is a handler that takes a second for each order.
func slow(t *testing.T) *bustest.Subscriber[order] {
	t.Helper()
	return bustest.NewSubscriber[order](t, bustest.Always(bustest.Take(time.Second)))
}

// inOrder fails the test unless each of the keys has had n events in order, and one at a time.
func inOrder(t *testing.T, handled []bustest.Attempt[order], n int, keys ...string) {
	t.Helper()
	byKey := map[string][]bustest.Attempt[order]{}
	for _, a := range handled {
		of := byKey[a.Event.Key()]
		if len(of) > 0 && (a.Begin.Before(of[len(of)-1].End) || a.Event.Value.N <= of[len(of)-1].Event.Value.N) {
			t.Errorf("%v after, or together with, %v", a, of[len(of)-1])
		}
		byKey[a.Event.Key()] = append(of, a)
	}
	if len(byKey) != len(keys) {
		t.Errorf("keys %v, want %q", byKey, keys)
	}
	for _, key := range keys {
		if len(byKey[key]) != n {
			t.Errorf("%q: %v, want %d", key, byKey[key], n)
		}
	}
}

// Events of one key are handled in order and never two at once, those of different keys in parallel.
func TestKeysInOrderAndInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		handler := slow(t)
		subscribe(t, b, orders, handler.Handle, &subscriber.Options{Workers: 4})
		p, begin := publisherOf(t, b, orders), time.Now()
		for n := range 20 {
			for _, customer := range []string{"ada", "bob", "eve"} {
				publish(t, p, order{customer, n})
			}
		}
		shutdown(t, b)
		inOrder(t, handler.Seen(), 20, "ada", "bob", "eve")
		if took := time.Since(begin); took != 20*time.Second {
			t.Errorf("it took %v, want 20s: the three keys in parallel", took)
		}
	})
}

// The key that a publish gives takes the place of the topic's.
func TestKeyOfThePublish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		handler := slow(t)
		subscribe(t, b, orders, handler.Handle, &subscriber.Options{Workers: 4})
		p, begin := publisherOf(t, b, orders), time.Now()
		for n := range 6 {
			if err := p.Publish(t.Context(), order{fmt.Sprint("customer ", n), n}, publisher.Key("all")); err != nil {
				t.Fatal(err)
			}
		}
		shutdown(t, b)
		inOrder(t, handler.Seen(), 6, "all")
		if took := time.Since(begin); took != 6*time.Second {
			t.Errorf("it took %v, want 6s: one after the other", took)
		}
	})
}

// Events without a key are begun in order, as many at once as there are workers; a publish can take the key away.
func TestEventsWithoutKeySpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		handler := slow(t)
		subscribe(t, b, orders, handler.Handle, &subscriber.Options{Workers: 3})
		p, begin := publisherOf(t, b, orders), time.Now()
		for n := range 6 {
			if err := p.Publish(t.Context(), order{"ada", n}, publisher.Key("")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		shutdown(t, b)
		seen := handler.Seen()
		if len(seen) != 6 || seen[0].Event.Value.N != 0 || seen[1].Event.Value.N != 1 || seen[2].Event.Value.N != 2 {
			t.Fatalf("not begun in order: %v", seen)
		}
		for i, a := range seen {
			if began := a.Begin.Sub(begin); began != time.Duration(i/3)*time.Second {
				t.Errorf("%v has begun after %v", a, began)
			}
		}
	})
}

// An event that is tried again delays only those of its own key, as long as a worker is free.
func TestRetryDelaysOnlyItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		handler, begin := bustest.NewSubscriber[order](t, bustest.Take(30*time.Second)), time.Now() // tries the first one again and again
		s := subscribe(t, b, orders, handler.Handle, &subscriber.Options{Workers: 2})
		publish(t, publisherOf(t, b, orders), order{"ada", 0}, order{"ada", 1}, order{"bob", 0}, order{"ada", 2}, order{"", 0}, order{"bob", 1})
		synctest.Wait()
		expect(t, "while one is tried again", s.Stats(), subscriber.Stats{Queued: 2, Running: 1, Succeeded: 3})
		shutdown(t, b)
		var got []string
		for _, a := range slices.SortedStableFunc(slices.Values(handler.Seen()), func(a, b bustest.Attempt[order]) int { return a.End.Compare(b.End) }) {
			got = append(got, fmt.Sprint(a.Event.Value, a.End.Sub(begin)))
		}
		if want := []string{"{bob 0} 0s", "{ 0} 0s", "{bob 1} 0s", "{ada 0} 30s", "{ada 1} 30s", "{ada 2} 30s"}; !slices.Equal(got, want) {
			t.Errorf("ended %q, want %q", got, want)
		}
	})
}

// Queue bounds what waits in all: events of a busy key take the room of others, even of those that a worker is free for.
func TestKeysShareTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		handler := bustest.NewSubscriber[order](t, bustest.Always(bustest.Block()))
		s := subscribe(t, b, orders, handler.Handle, &subscriber.Options{Workers: 2, Queue: 3})
		p := publisherOf(t, b, orders)
		publish(t, p, order{"ada", 0})
		synctest.Wait()
		publish(t, p, order{"ada", 1}, order{"ada", 2}, order{"ada", 3})
		synctest.Wait()
		for _, customer := range []string{"ada", "bob"} {
			if err := p.Publish(within(t, time.Second), order{customer, 4}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a fourth event that waits, of %s: %v", customer, err)
			}
		}
		expect(t, "full", s.Stats(), subscriber.Stats{Queued: 3, Running: 1})
		result := make(chan error)
		go func() { result <- p.Publish(context.Background(), order{"bob", 5}) }()
		synctest.Wait()
		handler.ReleaseNext(1)
		if err := <-result; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		expect(t, "one later", s.Stats(), subscriber.Stats{Queued: 2, Running: 2, Succeeded: 1})
	})
}

// A subscription to several topics keeps the order of a key over all of them.
func TestKeysOverSeveralTopics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		handler := slow(t)
		subscribe(t, b, topic.NewPrefix[order]("orders."), handler.Handle, &subscriber.Options{Workers: 8})
		var pubs []*publisher.Publisher[order]
		for _, name := range []string{"orders.created", "orders.paid", "orders.sent"} {
			pubs = append(pubs, publisherOf(t, b, topic.New[order](name).WithKey(orders.KeyFunc())))
		}
		for n := range 12 {
			publish(t, pubs[n%3], order{"ada", n}, order{"bob", n})
		}
		shutdown(t, b)
		inOrder(t, handler.Seen(), 12, "ada", "bob")
	})
}

// A handler that panics or ends its goroutine does not hold up its key.
func TestKeyGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	for what, fail := range map[string]func() error{
		"error":  func() error { return errNo },
		"panic":  func() error { panic("on purpose") },
		"goexit": func() error { runtime.Goexit(); return nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			d := newDiary[int]()
			s := subscribe(t, b, orders, func(_ context.Context, e topic.Event[order]) error {
				d.note(e.Value.N)
				if e.Value.N == 0 {
					return fail()
				}
				return nil
			}, &subscriber.Options{Workers: 2})
			publish(t, publisherOf(t, b, orders), order{"ada", 0}, order{"ada", 1}, order{"ada", 2})
			synctest.Wait()
			expect(t, what, s.Stats(), subscriber.Stats{Failed: 1, Succeeded: 2})
			if !slices.Equal(d.all(), []int{0, 1, 2}) {
				t.Errorf("%s: handled %v", what, d.all())
			}
		})
	}
}

// What DropOldest drops is the oldest that waits, whatever its key, and the order of each key is kept.
func TestDropOldestAmongKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		handler := bustest.NewSubscriber[order](t, bustest.Block(), bustest.Block())
		s := subscribe(t, b, orders, handler.Handle, &subscriber.Options{Workers: 2, Queue: 2, Overflow: bus.DropOldest})
		p := publisherOf(t, b, orders)
		publish(t, p, order{"ada", 0}, order{"bob", 0})
		synctest.Wait()
		publish(t, p, order{"ada", 1}, order{"bob", 1}, order{"bob", 2}, order{"ada", 2}, order{"bob", 3})
		expect(t, "full", s.Stats(), subscriber.Stats{Queued: 2, Running: 2, Dropped: 3})
		handler.Release()
		synctest.Wait()
		inOrder(t, handler.Seen(), 2, "ada", "bob")
		var got []string
		for _, a := range handler.Seen() {
			got = append(got, fmt.Sprint(a.Event.Key(), a.Event.Value.N))
		}
		if slices.Sort(got); !slices.Equal(got, []string{"ada0", "ada2", "bob0", "bob3"}) {
			t.Errorf("handled %v", got)
		}
	})
}
