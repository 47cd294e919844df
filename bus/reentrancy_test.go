package bus_test

import (
	"context"
	"errors"
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

// Sentence 4: publishing from inside a handler is legal, to the same topic as well.
func TestPublishFromHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		p := newPublisher(t, b, numbers)
		subscribe(t, b, numbers, func(ctx context.Context, e topic.Event[int]) error {
			if e.Value == 0 {
				return nil
			}
			return p.Publish(ctx, e.Value-1)
		}, &subscriber.Options{Queue: 1})
		r := bustest.Record(t, b, numbers)
		publish(t, t.Context(), p, 50)
		if last := r.Wait(51)[50]; last.Value != 0 {
			t.Errorf("got %v", last)
		}
	})
}

// Sentence 4: a publish from a handler that could never end returns an error that is ErrFull and names the cycle, having delivered to
// nobody. Here each handler publishes twice to the next subscription of a ring, which must overflow.
func TestPublishFromHandlerNeverDeadlocks(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3} {
		for _, workers := range []int{1, 4} {
			synctest.Test(t, func(t *testing.T) {
				b := bustest.New(t)
				ring := make([]topic.Topic[int], size)
				pubs := make([]*publisher.Publisher[int], size)
				for i := range ring {
					ring[i] = topic.New[int]("ring." + string(rune('a'+i)))
					pubs[i] = newPublisher(t, b, ring[i])
				}
				var mu sync.Mutex
				var refusals []error
				var subs []*subscriber.Subscription
				for i := range ring {
					next := pubs[(i+1)%size]
					subs = append(subs, subscribe(t, b, ring[i], func(ctx context.Context, e topic.Event[int]) error {
						for range min(e.Value, 2) {
							if err := next.Publish(ctx, e.Value-1); err != nil {
								mu.Lock()
								refusals = append(refusals, err)
								mu.Unlock()
							}
						}
						return nil
					}, &subscriber.Options{Queue: 2, Workers: workers}))
				}
				publish(t, within(t, time.Minute), pubs[0], 8, 8, 8, 8, 8, 8, 8, 8)
				synctest.Wait()
				for _, s := range subs {
					if stats := s.Stats(); stats.Queued+stats.Running > 0 {
						t.Errorf("ring of %d with %d workers: deadlock: %+v", size, workers, stats)
					}
				}
				if len(refusals) == 0 {
					t.Errorf("ring of %d with %d workers: nothing was refused", size, workers)
				}
				for _, err := range refusals {
					var cycle *bus.CycleError
					if !errors.Is(err, bus.ErrFull) || !errors.As(err, &cycle) || len(cycle.Subscriptions()) != size {
						t.Fatalf("ring of %d: refused with %v", size, err)
					}
				}
				if s := b.Stats(); s.Refused != uint64(len(refusals)) {
					t.Errorf("%d refused, %d errors", s.Refused, len(refusals))
				}
			})
		}
	}
}

// Sentence 4: a publish from a handler with a context not derived from the handler's waits until that context ends, and a notice
// reports it.
func TestPublishFromHandlerWithForeignContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		reported := make(chan bus.Slow, 1)
		b.Notices(func(n bus.Notice) {
			if slow, ok := n.(bus.Slow); ok {
				reported <- slow
			}
		})
		p := newPublisher(t, b, numbers)
		result, full := make(chan error, 1), make(chan struct{})
		subscribe(t, b, numbers, func(_ context.Context, e topic.Event[int]) error {
			if e.Value == 1 {
				<-full
				result <- p.Publish(within(t, time.Minute), 3)
			}
			return nil
		}, &subscriber.Options{Queue: 1})
		publish(t, t.Context(), p, 1)
		synctest.Wait()
		begin := time.Now()
		publish(t, t.Context(), p, 2)
		close(full)
		if err := <-result; !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if slow := <-reported; slow.Subscription != "numbers" {
			t.Errorf("%+v", slow)
		}
	})
}
