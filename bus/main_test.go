package bus_test

import (
	"context"
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
	words   = topic.New[string]("words")
)

// publish publishes values, each of which must be accepted.
func publish[T any](t *testing.T, ctx context.Context, p *publisher.Publisher[T], values ...T) {
	t.Helper()
	for _, v := range values {
		if err := p.Publish(ctx, v); err != nil {
			t.Fatalf("publishing %v: %v", v, err)
		}
	}
}

// newPublisher returns a publisher of numbers on b.
func newPublisher[T any](t *testing.T, b *bus.Bus, on topic.Topic[T]) *publisher.Publisher[T] {
	t.Helper()
	p, err := publisher.New(b, on, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// subscribe returns a subscription of handler.
func subscribe[T any](t *testing.T, b *bus.Bus, sel topic.Selector[T], handler func(context.Context, topic.Event[T]) error, o *subscriber.Options) *subscriber.Subscription {
	t.Helper()
	s, err := subscriber.New(b, sel, handler, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// within returns a context that ends after d, of virtual time in a bubble.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// balance fails the test unless the counters add up.
func balance(t *testing.T, s subscriber.Stats) {
	t.Helper()
	if sum := s.Queued + s.Running + s.Succeeded + s.Failed + s.Filtered + s.Dropped + s.Abandoned; s.Matched != sum {
		t.Errorf("matched %d, the others add up to %d: %+v", s.Matched, sum, s)
	}
}

// record notes the sequences of numbers that a subscription gets.
func record(t *testing.T, b *bus.Bus, got *[]uint64, o *subscriber.Options) *subscriber.Subscription {
	t.Helper()
	var mu sync.Mutex
	return subscribe(t, b, numbers, func(_ context.Context, e topic.Event[int]) error {
		mu.Lock()
		defer mu.Unlock()
		*got = append(*got, e.Seq())
		return nil
	}, o)
}
