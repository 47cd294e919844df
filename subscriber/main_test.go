package subscriber_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	numbers = topic.New[int]("numbers")
	orders  = topic.New[order]("orders").WithKey(func(o order) string { return o.Customer })
	errNo   = errors.New("no")
)

// order is what tests about keys publish: the customer is the key.
type order struct {
	Customer string
	N        int
}

func ignore(context.Context, topic.Event[int]) error { return nil }

func newPublisher(t *testing.T, b *bus.Bus) *publisher.Publisher[int] {
	t.Helper()
	return publisherOf(t, b, numbers)
}

func publisherOf[T any](t *testing.T, b *bus.Bus, on topic.Topic[T]) *publisher.Publisher[T] {
	t.Helper()
	p, err := publisher.New(b, on, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func subscribe[T any](t *testing.T, b *bus.Bus, sel topic.Selector[T], handler func(context.Context, topic.Event[T]) error, o *subscriber.Options) *subscriber.Subscription {
	t.Helper()
	s, err := subscriber.New(b, sel, handler, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// publish publishes values, each of which must be accepted.
func publish[T any](t *testing.T, p *publisher.Publisher[T], values ...T) {
	t.Helper()
	if n, err := p.PublishBatch(t.Context(), values); n != len(values) || err != nil {
		t.Fatalf("%d of %d published: %v", n, len(values), err)
	}
}

// shutdown ends the bus, which must drain.
func shutdown(t *testing.T, b *bus.Bus) {
	t.Helper()
	if err := b.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// within returns a context that ends after d, of virtual time in a bubble.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// expect fails the test unless the counters are those, and add up.
func expect(t *testing.T, what string, got, want subscriber.Stats) {
	t.Helper()
	want.Matched = want.Queued + want.Running + want.Succeeded + want.Failed + want.Filtered + want.Dropped + want.Abandoned
	if got != want {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// diary is what handlers write down, each entry with its virtual time.
type diary[E any] struct {
	mu      sync.Mutex
	begin   time.Time
	entries []E
	times   []time.Duration
}

func newDiary[E any]() *diary[E] { return &diary[E]{begin: time.Now()} }

func (d *diary[E]) note(e E) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries, d.times = append(d.entries, e), append(d.times, time.Since(d.begin))
}

// all returns the entries so far.
func (d *diary[E]) all() []E {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]E(nil), d.entries...)
}

// when returns the times of the entries so far.
func (d *diary[E]) when() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]time.Duration(nil), d.times...)
}
