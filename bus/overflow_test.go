package bus_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// Sentences 2 and 3: with Block publishers wait for room until their context ends, a notice names the subscription, and a Publish
// that returns an error has delivered to nobody and has used no sequence number.
func TestBlock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		var notices []bus.Notice
		b.Notices(func(n bus.Notice) { notices = append(notices, n) })
		release := make(chan struct{})
		blocked := subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
			<-release
			return nil
		}, &subscriber.Options{Name: "blocked", Queue: 2})
		other := bustest.Record(t, b, numbers)
		p := newPublisher(t, b, numbers)
		publish(t, t.Context(), p, 1)
		synctest.Wait() // 1 is being handled
		publish(t, t.Context(), p, 2, 3)
		begin := time.Now()
		err := p.Publish(within(t, 5*time.Second), 4)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 5*time.Second {
			t.Fatalf("publishing into a full queue: %v after %v", err, time.Since(begin))
		}
		if got := other.Wait(3); len(other.All()) != 3 {
			t.Errorf("a publish that failed was delivered: %v", got)
		}
		synctest.Wait()
		if !slices.ContainsFunc(notices, slowPublish("blocked", "numbers", 2)) {
			t.Errorf("notices %v, want that a publish has waited for blocked", notices)
		}
		if s := blocked.Stats(); s.Running != 1 || s.Queued != 2 || s.Matched != 3 {
			t.Errorf("%+v, want 1 running and 2 queued", s)
		}
		done := make(chan error)
		go func() { done <- p.Publish(context.Background(), 5) }()
		synctest.Wait()
		release <- struct{}{} // room for one
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if last := other.Wait(4)[3]; last.Value != 5 || last.Seq() != 4 {
			t.Errorf("got %v, want 5 with sequence 4", last)
		}
		if s := b.Stats(); s.Refused != 1 || s.Published != 4 {
			t.Errorf("%+v, want 1 refused and 4 published", s)
		}
		close(release)
	})
}

// slowPublish returns what recognises the notice of a publish that has waited for a second.
func slowPublish(subscription, topic string, depth uint64) func(bus.Notice) bool {
	return func(n bus.Notice) bool {
		s, ok := n.(bus.Slow)
		return ok && s.Subscription == subscription && s.Topic == topic && s.Age == time.Second && s.Depth == depth && strings.Contains(s.CallSite, "bus/main_test.go:")
	}
}

// Sentence 2: the notice comes however often somebody else takes the room that was waited for, and once for each publish.
func TestSlowNoticeUnderContention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		var slow []bus.Slow
		b.Notices(func(n bus.Notice) {
			if s := n.(bus.Slow); s.Topic != "" {
				slow = append(slow, s)
			}
		})
		subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
			time.Sleep(900 * time.Millisecond) // less than what makes a notice
			return nil
		}, &subscriber.Options{Queue: 1})
		p := newPublisher(t, b, numbers)
		const publishers = 20
		var wg sync.WaitGroup
		for i := range publishers {
			wg.Go(func() {
				if err := p.Publish(context.Background(), i); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if len(slow) < publishers-4 || len(slow) > publishers { // all but those that found room within a second
			t.Errorf("%d notices for %d publishes", len(slow), publishers)
		}
	})
}

// Sentence 3: DropOldest drops what waits longest, and counts it.
func TestDropOldest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		release := make(chan struct{})
		var got []int
		s := subscribe(t, b, numbers, func(_ context.Context, e topic.Event[int]) error {
			<-release
			got = append(got, e.Value)
			return nil
		}, &subscriber.Options{Queue: 3, Overflow: bus.DropOldest})
		p := newPublisher(t, b, numbers)
		publish(t, t.Context(), p, 0)
		synctest.Wait() // 0 is being handled
		publish(t, t.Context(), p, 1, 2, 3, 4, 5, 6, 7)
		stats := s.Stats()
		if stats.Dropped != 4 || stats.Queued != 3 || stats.Running != 1 {
			t.Errorf("%+v, want 4 dropped, 3 queued, 1 running", stats)
		}
		balance(t, stats)
		close(release)
		synctest.Wait()
		if want := []int{0, 5, 6, 7}; !slices.Equal(got, want) {
			t.Errorf("handled %v, want %v", got, want)
		}
		balance(t, s.Stats())
	})
}

// Sentence 3: admission comes before appending, so the subscriptions that had room have not got an event that was refused, and those
// that drop have dropped nothing for it.
func TestAdmissionComesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		stop := func(ctx context.Context, _ topic.Event[int]) error { <-ctx.Done(); return nil }
		var subs []*subscriber.Subscription
		for _, sel := range []topic.Selector[int]{numbers, topic.NewPrefix[int](""), numbers} {
			subs = append(subs, subscribe(t, b, sel, stop, &subscriber.Options{Queue: 1, Overflow: bus.DropOldest}))
		}
		subs = append(subs, subscribe(t, b, topic.NewPattern[int]("*"), stop, &subscriber.Options{Queue: 1}))
		p := newPublisher(t, b, numbers)
		publish(t, t.Context(), p, 1)
		synctest.Wait()
		publish(t, t.Context(), p, 2)
		if err := p.Publish(within(t, time.Second), 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		for i, s := range subs {
			if stats := s.Stats(); stats.Matched != 2 || stats.Dropped != 0 {
				t.Errorf("subscription %d: %+v", i, stats)
			}
		}
	})
}

// Sentence 4: publishing without a subscriber succeeds, and is counted.
func TestPublishWithoutSubscriber(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	publish(t, t.Context(), newPublisher(t, b, numbers), 1, 2)
	if s := b.Stats(); s.Published != 2 || s.Unmatched != 2 {
		t.Errorf("%+v, want 2 published, 2 unmatched", s)
	}
}
