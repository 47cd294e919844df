package bus_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// Sentence 9: Shutdown refuses publishes from outside at once, accepts those of handlers until the last one has returned, and loses
// nothing that was accepted.
func TestShutdownDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		outside, inside := newPublisher(t, b, numbers), newPublisher(t, b, words)
		subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
			time.Sleep(time.Second) // the handler's work, in virtual time
			return inside.Publish(ctx, "handled")
		}, nil)
		r := bustest.Record(t, b, words)
		publish(t, t.Context(), outside, 1, 2, 3)
		shutdown := make(chan error)
		go func() { shutdown <- b.Shutdown(context.Background()) }()
		synctest.Wait()
		if err := outside.Publish(t.Context(), 4); !errors.Is(err, bus.ErrClosed) {
			t.Errorf("publish from outside: %v", err)
		}
		if err := <-shutdown; err != nil {
			t.Error(err)
		}
		if got := r.All(); len(got) != 3 {
			t.Errorf("got %v, want 3 events", got)
		}
		<-b.Done()
	})
}

// Sentence 9: Shutdown refuses publishes at once, also those that would wait for room and those that do.
func TestShutdownRefusesWaitingPublishers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		release := make(chan struct{})
		subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
			<-release
			return nil
		}, &subscriber.Options{Queue: 1})
		p := newPublisher(t, b, numbers)
		publish(t, t.Context(), p, 1)
		synctest.Wait()
		publish(t, t.Context(), p, 2)
		results := make(chan error)
		go func() { results <- p.Publish(context.Background(), 3) }()
		synctest.Wait()
		shutdown := make(chan error)
		go func() { shutdown <- b.Shutdown(context.Background()) }()
		if err := <-results; !errors.Is(err, bus.ErrClosed) {
			t.Errorf("a publish that waited: %v", err)
		}
		if err := p.Publish(t.Context(), 4); !errors.Is(err, bus.ErrClosed) {
			t.Errorf("a publish that would have waited: %v", err)
		}
		close(release)
		if err := <-shutdown; err != nil {
			t.Error(err)
		}
	})
}

// Sentence 9: a Shutdown that Close interrupts does not claim to have drained.
func TestCloseDuringShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		s := subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
			<-ctx.Done()
			return nil
		}, nil)
		publish(t, t.Context(), newPublisher(t, b, numbers), 1, 2, 3)
		shutdown := make(chan error)
		go func() { shutdown <- b.Shutdown(context.Background()) }()
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		var left *bus.DrainError
		if err := <-shutdown; !errors.As(err, &left) || !errors.Is(err, bus.ErrClosed) || s.Stats().Abandoned != 2 {
			t.Errorf("%v, %+v", err, s.Stats())
		}
	})
}

// Sentence 9: what could not be done before the context ended is in a DrainError.
func TestShutdownTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		s := subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
			<-ctx.Done()
			return nil
		}, &subscriber.Options{Name: "stuck"})
		publish(t, t.Context(), newPublisher(t, b, numbers), 1, 2, 3)
		synctest.Wait()
		err := b.Shutdown(within(t, time.Second))
		var left *bus.DrainError
		if !errors.As(err, &left) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if want := (bus.UndrainedSubscription{Name: "stuck", Queued: 2, Running: 1}); len(left.Subscriptions) != 1 || left.Subscriptions[0] != want {
			t.Errorf("%+v, want %+v", left.Subscriptions, want)
		}
		<-b.Done() // the end of the bus ends the handler's context
		if stats := s.Stats(); stats.Abandoned != 2 || stats.Succeeded != 1 {
			t.Errorf("%+v, want 2 abandoned", stats)
		}
		if again := b.Shutdown(t.Context()); !errors.As(again, &left) {
			t.Errorf("second Shutdown: %v", again)
		}
	})
}

// Sentence 9: called with a handler's context, Shutdown begins, returns ErrInHandler, and Done tells the end.
func TestShutdownFromHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		var result error
		s := subscribe(t, b, numbers, func(ctx context.Context, e topic.Event[int]) error {
			if e.Value == 1 {
				result = b.Shutdown(ctx)
			}
			return nil
		}, nil)
		p := newPublisher(t, b, numbers)
		batch := []int{1, 2, 3}
		if n, err := p.PublishBatch(t.Context(), batch); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		<-b.Done()
		if !errors.Is(result, bus.ErrInHandler) {
			t.Errorf("Shutdown in the handler returned %v", result)
		}
		if stats := s.Stats(); stats.Succeeded != 3 {
			t.Errorf("%+v, want all three handled", stats)
		}
	})
}

// Sentence 9: Close cancels the contexts of handlers, abandons what is queued, does not wait for handlers, and may be called by one.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		var cancelled atomic.Bool
		s := subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			cancelled.Store(ctx.Err() != nil)
			time.Sleep(time.Minute) // goes on after Close
			return nil
		}, nil)
		p := newPublisher(t, b, numbers)
		if n, err := p.PublishBatch(t.Context(), []int{1, 2, 3}); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		synctest.Wait()
		select {
		case <-b.Done():
			t.Error("Done is closed while a handler runs")
		default:
		}
		if stats := s.Stats(); !cancelled.Load() || stats.Abandoned != 2 || stats.Running != 1 {
			t.Errorf("cancelled %v, %+v; want 2 abandoned, 1 running", cancelled.Load(), stats)
		}
		<-b.Done()
		<-s.Done()
		balance(t, s.Stats())
		if err := s.Err(); !errors.Is(err, bus.ErrClosed) {
			t.Errorf("Err is %v after the end", err)
		}
	})
}

// Sentence 9: Done is closed after handlers that still run, those of subscriptions closed before included.
func TestDoneWaitsForHandlersOfClosedSubscriptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		release := make(chan struct{})
		s := subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error {
			<-release
			return nil
		}, nil)
		publish(t, t.Context(), newPublisher(t, b, numbers), 1)
		synctest.Wait()
		if err := errors.Join(s.Close(), b.Close()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case <-b.Done():
			t.Error("Done is closed while a handler runs")
		default:
		}
		close(release)
		<-b.Done()
	})
}

// Sentence 9: after the end everything returns ErrClosed.
func TestEverythingReturnsErrClosed(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	p := newPublisher(t, b, numbers)
	s := subscribe(t, b, numbers, func(context.Context, topic.Event[int]) error { return nil }, nil)
	for range 2 {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	_, newPublisherErr := publisher.New(b, words, nil)
	_, newSubscriberErr := subscriber.New(b, words, func(context.Context, topic.Event[string]) error { return nil }, nil)
	_, batchErr := p.PublishBatch(t.Context(), []int{1})
	for what, err := range map[string]error{
		"Publish":         p.Publish(t.Context(), 1),
		"PublishBatch":    batchErr,
		"publisher.New":   newPublisherErr,
		"subscriber.New":  newSubscriberErr,
		"Shutdown":        b.Shutdown(t.Context()),
		"Ready":           s.Ready(t.Context()),
		"WaitPublishers":  s.WaitPublishers(t.Context(), 9),
		"WaitSubscribers": p.WaitSubscribers(t.Context(), 9),
	} {
		if !errors.Is(err, bus.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing the subscription: %v", err)
	}
}

// A publish that waits for room is released by the end of the subscription and by the end of the bus.
func TestCloseReleasesWaitingPublishers(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(b *bus.Bus, s *subscriber.Subscription) error{
		"subscription": func(_ *bus.Bus, s *subscriber.Subscription) error { return s.Close() },
		"bus":          func(b *bus.Bus, _ *subscriber.Subscription) error { return b.Close() },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			bustest.AllowUndelivered(t, b)
			s := subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
				<-ctx.Done()
				return nil
			}, &subscriber.Options{Queue: 1})
			p := newPublisher(t, b, numbers)
			publish(t, t.Context(), p, 1)
			synctest.Wait()
			publish(t, t.Context(), p, 2)
			result := make(chan error)
			go func() { result <- p.Publish(context.Background(), 3) }()
			synctest.Wait()
			if err := end(b, s); err != nil {
				t.Error(err)
			}
			if err := <-result; what == "subscription" && err != nil || what == "bus" && !errors.Is(err, bus.ErrClosed) {
				t.Errorf("end of the %s: publish returned %v", what, err)
			}
			balance(t, s.Stats())
		})
	}
}

// Sentence 7, inside a process: publishers and subscribers are counted as they come.
func TestWaitInProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		p := newPublisher(t, b, numbers)
		err := p.WaitSubscribers(within(t, time.Second), 1)
		var missing *bus.NotReadyError
		if !errors.As(err, &missing) || !errors.Is(err, context.DeadlineExceeded) || missing.Missing[0] != `0 of 1 subscribers of "numbers"` {
			t.Fatal(err)
		}
		waited := make(chan error)
		go func() { waited <- p.WaitSubscribers(context.Background(), 2) }()
		bustest.Record(t, b, words)
		first := bustest.Record(t, b, numbers).Subscription()
		synctest.Wait()
		select {
		case err := <-waited:
			t.Fatalf("WaitSubscribers(2) returned %v with one", err)
		default:
		}
		bustest.Record(t, b, topic.NewPrefix[int]("n"))
		if err := <-waited; err != nil {
			t.Error(err)
		}
		if err := first.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		go func() { waited <- first.WaitPublishers(context.Background(), 2) }()
		newPublisher(t, b, words)
		newPublisher(t, b, numbers)
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
}
