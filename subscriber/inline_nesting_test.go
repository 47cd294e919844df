package subscriber_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// Inline handlers that publish from within each other end in a RecursionError, which nobody has got the event of: after 64 of them,
// whatever the topics. Recursion with contexts that do not come from the handlers is not bounded: the bus knows handlers by their context.
func TestInlineRecursionIsBounded(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3} {
		for _, foreign := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d topics, encoded %v", size, foreign), func(t *testing.T) {
				t.Parallel()
				b := bustest.New(t)
				calls := 0
				var refusal error
				var others []*subscriber.Subscription
				ring := make([]topic.Topic[int], size)
				for i := range ring {
					ring[i] = topic.New[int](fmt.Sprint("ring.", i))
				}
				for i, from := range ring {
					next := publisherOf(t, b, ring[(i+1)%size])
					inline(t, b, from, "ring", func(ctx context.Context, e topic.Event[int]) error {
						calls++
						err := next.Publish(ctx, e.Value+1)
						if refusal == nil {
							refusal = err
						}
						return nil
					})
					others = append(others, subscribe(t, b, from, ignore, nil))
				}
				if foreign {
					inline(t, b, topic.NewPrefix[float64](""), "foreign", func(context.Context, topic.Event[float64]) error { return nil })
				}
				publish(t, publisherOf(t, b, ring[0]), 1)
				var tooDeep *bus.RecursionError
				if !errors.As(refusal, &tooDeep) || tooDeep.Topic != ring[64%size].String() || calls != 64 {
					t.Errorf("%d calls, then %v", calls, refusal)
				}
				matched := uint64(0)
				for _, s := range others {
					matched += s.Stats().Matched
				}
				if s := b.Stats(); s.Published != 64 || s.Refused != 1 || matched != 64 {
					t.Errorf("%d events in queues, %+v; want 64 published and 1 refused", matched, s)
				}
			})
		}
	}
}

// Publishing one after the other is no recursion, and neither is a publish of a queue's handler.
func TestInlineDepthIsNotALength(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		words := topic.New[string]("words")
		say, p := publisherOf(t, b, words), newPublisher(t, b)
		inline(t, b, numbers, "inline", func(ctx context.Context, _ topic.Event[int]) error {
			for range 100 {
				if err := say.Publish(ctx, "word"); err != nil {
					return err
				}
			}
			return nil
		})
		inline(t, b, words, "leaf", func(context.Context, topic.Event[string]) error { return nil })
		s := subscribe(t, b, numbers, func(ctx context.Context, e topic.Event[int]) error {
			if e.Value == 0 {
				return nil
			}
			return p.Publish(ctx, e.Value-1)
		}, nil)
		publish(t, p, 100)
		synctest.Wait()
		expect(t, "the queue", s.Stats(), subscriber.Stats{Succeeded: 101})
	})
}

// What an inline handler that a queue's handler has called publishes counts as that one's: where waiting could never end it is refused.
func TestInlineInTheWaitForGraph(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		words, ticks := topic.New[string]("words"), topic.New[bool]("ticks")
		p, say, tick := newPublisher(t, b), publisherOf(t, b, words), publisherOf(t, b, ticks)
		var refusals []error
		full := make(chan struct{})
		subscribe(t, b, numbers, func(ctx context.Context, e topic.Event[int]) error {
			if e.Value > 0 {
				return nil
			}
			<-full
			return say.Publish(ctx, "word")
		}, &subscriber.Options{Name: "queue", Queue: 1})
		inline(t, b, words, "outer", func(ctx context.Context, _ topic.Event[string]) error { return tick.Publish(ctx, true) })
		inline(t, b, ticks, "inner", func(ctx context.Context, _ topic.Event[bool]) error {
			refusals = append(refusals, p.Publish(ctx, 2))
			return nil
		})
		publish(t, p, 0)
		synctest.Wait()
		publish(t, p, 1)
		begin := time.Now()
		close(full)
		synctest.Wait()
		var cycle *bus.CycleError
		if len(refusals) != 1 || !errors.As(refusals[0], &cycle) || !slices.Equal(cycle.Subscriptions(), []string{"queue"}) || time.Since(begin) > 0 {
			t.Errorf("%v after %v", refusals, time.Since(begin))
		}
	})
}

// An inline handler that was called from outside of handlers waits for room like its publisher, as long as the context lets it.
func TestInlineHandlerWaitsForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		words := topic.New[string]("words")
		p, say := newPublisher(t, b), publisherOf(t, b, words)
		s := subscribe(t, b, numbers, bustest.NewSubscriber[int](t, bustest.Always(bustest.Take(time.Second))).Handle, &subscriber.Options{Queue: 1})
		inline(t, b, words, "inline", func(ctx context.Context, _ topic.Event[string]) error { return p.Publish(ctx, 3) })
		publish(t, p, 1)
		synctest.Wait()
		publish(t, p, 2)
		if err := say.Publish(within(t, time.Millisecond), "word"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before there is room: %v", err)
		}
		publish(t, say, "word")
		shutdown(t, b)
		expect(t, "the queue", s.Stats(), subscriber.Stats{Succeeded: 3})
	})
}

// Shutdown waits for inline calls under way, those of subscriptions that were closed meanwhile included, and accepts what they publish.
func TestShutdownWaitsForInlineCalls(t *testing.T) {
	t.Parallel()
	for _, closed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			words := topic.New[string]("words")
			p, say := newPublisher(t, b), publisherOf(t, b, words)
			var result error
			s := inline(t, b, numbers, "inline", func(ctx context.Context, _ topic.Event[int]) error {
				time.Sleep(time.Second)
				result = say.Publish(ctx, "word")
				return nil
			})
			r := bustest.Record(t, b, words)
			published := make(chan error, 1)
			go func() { published <- p.Publish(context.Background(), 1) }()
			synctest.Wait()
			if closed {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			begin := time.Now()
			shutdown(t, b)
			if took := time.Since(begin); took != time.Second || result != nil || len(r.All()) != 1 {
				t.Errorf("closed %v: Shutdown took %v, its publish returned %v, and %v came", closed, took, result, r.All())
			}
			<-b.Done()
			<-s.Done()
			if err := <-published; err != nil {
				t.Error(err)
			}
			expect(t, "the subscription", s.Stats(), subscriber.Stats{Succeeded: 1})
		})
	}
}

// An inline handler may end the bus: Shutdown tells that it cannot wait there, Close returns, and Done is closed after the handler.
func TestInlineHandlerEndsTheBus(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]struct {
		call func(ctx context.Context, b *bus.Bus) error
		want error
	}{
		"Shutdown": {func(ctx context.Context, b *bus.Bus) error { return b.Shutdown(ctx) }, bus.ErrInHandler},
		"Close":    {func(_ context.Context, b *bus.Bus) error { return b.Close() }, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			var result error
			inline(t, b, numbers, "inline", func(ctx context.Context, _ topic.Event[int]) error {
				result = end.call(ctx, b)
				time.Sleep(time.Second)
				select {
				case <-b.Done():
					t.Error(what, ": Done is closed while the handler runs")
				default:
				}
				return nil
			})
			publish(t, newPublisher(t, b), 1)
			<-b.Done()
			if !errors.Is(result, end.want) {
				t.Errorf("%s returned %v, want %v", what, result, end.want)
			}
		})
	}
}
