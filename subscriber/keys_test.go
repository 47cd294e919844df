package subscriber_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// shift handles orders that take a second each, and remembers how.
type shift struct {
	mu     sync.Mutex
	busy   map[string]int
	byKey  map[string][]int
	faults []string
}

func (s *shift) handle(_ context.Context, e topic.Event[order]) error {
	s.turn(e.Key(), 1)
	time.Sleep(time.Second)
	s.mu.Lock()
	s.byKey[e.Key()] = append(s.byKey[e.Key()], e.Value.N)
	s.mu.Unlock()
	s.turn(e.Key(), -1)
	return nil
}

func (s *shift) turn(key string, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy == nil {
		s.busy, s.byKey = map[string]int{}, map[string][]int{}
	}
	if s.busy[key] += by; s.busy[key] > 1 {
		s.faults = append(s.faults, fmt.Sprintf("%d events of %q at once", s.busy[key], key))
	}
}

// check fails the test unless each of the keys has had n events in order, and one at a time.
func (s *shift) check(t *testing.T, n int, keys ...string) {
	t.Helper()
	if len(s.faults) > 0 {
		t.Error(s.faults)
	}
	if len(s.byKey) != len(keys) {
		t.Errorf("keys %v, want %q", s.byKey, keys)
	}
	for _, key := range keys {
		if got := s.byKey[key]; len(got) != n || !slices.IsSorted(got) {
			t.Errorf("%q: %v, want %d in order", key, got, n)
		}
	}
}

// Events of one key are handled in order and never two at once, those of different keys in parallel.
func TestKeysInOrderAndInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		var s shift
		subscribe(t, b, orders, s.handle, &subscriber.Options{Workers: 4})
		p, begin := publisherOf(t, b, orders), time.Now()
		for n := range 20 {
			for _, customer := range []string{"ada", "bob", "eve"} {
				publish(t, p, order{customer, n})
			}
		}
		shutdown(t, b)
		s.check(t, 20, "ada", "bob", "eve")
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
		var s shift
		subscribe(t, b, orders, s.handle, &subscriber.Options{Workers: 4})
		p, begin := publisherOf(t, b, orders), time.Now()
		for n := range 6 {
			if err := p.Publish(t.Context(), order{fmt.Sprint("customer ", n), n}, publisher.Key("all")); err != nil {
				t.Fatal(err)
			}
		}
		shutdown(t, b)
		s.check(t, 6, "all")
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
		d := newDiary[int]()
		subscribe(t, b, orders, func(_ context.Context, e topic.Event[order]) error {
			d.note(e.Value.N)
			time.Sleep(time.Second)
			return nil
		}, &subscriber.Options{Workers: 3})
		p := publisherOf(t, b, orders)
		for n := range 6 {
			if err := p.Publish(t.Context(), order{"ada", n}, publisher.Key("")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		shutdown(t, b)
		want := []time.Duration{0, 0, 0, time.Second, time.Second, time.Second}
		if got := d.all(); !slices.IsSorted(got[:3]) || !slices.Equal(d.when(), want) {
			t.Errorf("began %v at %v, want them in order at %v", got, d.when(), want)
		}
	})
}

// An event that is tried again delays only those of its own key, as long as a worker is free.
func TestRetryDelaysOnlyItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		s := subscribe(t, b, orders, func(_ context.Context, e topic.Event[order]) error {
			if e.Value == (order{"ada", 0}) {
				for range 3 {
					time.Sleep(10 * time.Second) // tries again later
				}
			}
			d.note(fmt.Sprint(e.Key(), e.Value.N))
			return nil
		}, &subscriber.Options{Workers: 2})
		publish(t, publisherOf(t, b, orders), order{"ada", 0}, order{"ada", 1}, order{"bob", 0}, order{"ada", 2}, order{"", 0}, order{"bob", 1})
		synctest.Wait()
		expect(t, "while one is tried again", s.Stats(), subscriber.Stats{Queued: 2, Running: 1, Succeeded: 3})
		shutdown(t, b)
		if got := d.all(); !slices.Equal(got, []string{"bob0", "0", "bob1", "ada0", "ada1", "ada2"}) || d.when()[2] != 0 || d.when()[5] != 30*time.Second {
			t.Errorf("%v at %v", got, d.when())
		}
	})
}

// Queue bounds what waits in all: events of a busy key take the room of others, even of those that a worker is free for.
func TestKeysShareTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		release := make(chan struct{})
		s := subscribe(t, b, orders, func(context.Context, topic.Event[order]) error {
			<-release
			return nil
		}, &subscriber.Options{Workers: 2, Queue: 3})
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
		release <- struct{}{}
		if err := <-result; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		expect(t, "one later", s.Stats(), subscriber.Stats{Queued: 2, Running: 2, Succeeded: 1})
		close(release)
	})
}

// A subscription to several topics keeps the order of a key over all of them.
func TestKeysOverSeveralTopics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		var s shift
		subscribe(t, b, topic.NewPrefix[order]("orders."), s.handle, &subscriber.Options{Workers: 8})
		var pubs []*publisher.Publisher[order]
		for _, name := range []string{"orders.created", "orders.paid", "orders.sent"} {
			pubs = append(pubs, publisherOf(t, b, topic.New[order](name).WithKey(orders.KeyFunc())))
		}
		for n := range 12 {
			publish(t, pubs[n%3], order{"ada", n}, order{"bob", n})
		}
		shutdown(t, b)
		s.check(t, 12, "ada", "bob")
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
		release := make(chan struct{})
		d := newDiary[string]()
		s := subscribe(t, b, orders, func(_ context.Context, e topic.Event[order]) error {
			<-release
			d.note(fmt.Sprint(e.Key(), e.Value.N))
			return nil
		}, &subscriber.Options{Workers: 2, Queue: 2, Overflow: bus.DropOldest})
		p := publisherOf(t, b, orders)
		publish(t, p, order{"ada", 0}, order{"bob", 0})
		synctest.Wait()
		publish(t, p, order{"ada", 1}, order{"bob", 1}, order{"bob", 2}, order{"ada", 2}, order{"bob", 3})
		expect(t, "full", s.Stats(), subscriber.Stats{Queued: 2, Running: 2, Dropped: 3})
		close(release)
		synctest.Wait()
		got := d.all()
		inOrder := slices.Index(got, "ada0") < slices.Index(got, "ada2") && slices.Index(got, "bob0") < slices.Index(got, "bob3")
		if all := slices.Sorted(slices.Values(got)); !inOrder || !slices.Equal(all, []string{"ada0", "ada2", "bob0", "bob3"}) {
			t.Errorf("handled %v", got)
		}
	})
}
