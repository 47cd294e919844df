package subscriber_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// looping runs test in a bubble, with a bus and a diary. What is logged fails the test.
func looping(t *testing.T, test func(t *testing.T, b *bus.Bus, d *diary[string])) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := zerolog.New(&out)
		b := bustest.New(t, &bus.Options{Logger: &log})
		test(t, b, newDiary[string]())
		if synctest.Wait(); out.Len() > 0 {
			t.Errorf("logged %s", out.String())
		}
	})
}

// loops runs body for what a loop yields, in a goroutine, until body returns false. The channel is closed after the loop.
func loops[T any](seq iter.Seq2[T, error], body func(T, error) bool) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e, err := range seq {
			if !body(e, err) {
				break
			}
		}
	}()
	synctest.Wait() // it has subscribed
	return ended
}

// noted notes what a loop yields.
func noted[T any](d *diary[string], e topic.Event[T], err error) {
	if err != nil {
		d.note(fmt.Sprintf("%v, %v", e.Value, err))
		return
	}
	d.note(fmt.Sprint(e.Value))
}

// subscribers returns how many subscriptions to numbers there are.
func subscribers(t *testing.T, b *bus.Bus) (n int) {
	t.Helper()
	p := newPublisher(t, b)
	for p.WaitSubscribers(within(t, 0), n+1) == nil {
		n++
	}
	return n
}

// A loop gets the events from when it began, one at a time. Breaking out of it closes the subscription.
func TestEventsUntilBreak(t *testing.T) {
	looping(t, func(t *testing.T, b *bus.Bus, d *diary[string]) {
		bustest.AllowUndelivered(t, b)
		p := newPublisher(t, b)
		publish(t, p, 0)
		ended := loops(subscriber.Events(t.Context(), b, numbers, nil), func(e topic.Event[int], err error) bool {
			noted(d, e, err)
			time.Sleep(time.Second)
			return e.Value < 3
		})
		publish(t, p, 1, 2, 3, 4, 5)
		<-ended
		if got := d.all(); !slices.Equal(got, []string{"1", "2", "3"}) || d.when()[2] != 2*time.Second {
			t.Errorf("%v at %v", got, d.when())
		}
		if n := subscribers(t, b); n != 0 {
			t.Errorf("%d subscriptions are left", n)
		}
		publish(t, p, 6)
	})
}

// The event of a loop counts as running until the loop asks for the next one, and what the loop has not got is abandoned at its end.
func TestEventsCount(t *testing.T) {
	looping(t, func(t *testing.T, b *bus.Bus, _ *diary[string]) {
		// A middleware sees each event of the loop for as long as it runs.
		bustest.AllowUndelivered(t, b)
		running := 0
		o := &subscriber.Options{Queue: 3, Middleware: []bus.Middleware{bus.Wrap("count", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				running++
				defer func() { running-- }()
				return next(ctx, m)
			}
		})}}
		asks := make(chan bool)
		ended := loops(subscriber.Events(t.Context(), b, numbers, o), func(topic.Event[int], error) bool { return <-asks })
		p := newPublisher(t, b)
		publish(t, p, 1)
		synctest.Wait()
		publish(t, p, 2, 3, 4) // three wait
		if err := p.Publish(within(t, time.Second), 5); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a fourth event that waits: %v", err)
		}
		if running != 1 {
			t.Errorf("%d are running", running)
		}
		asks <- true
		synctest.Wait()
		publish(t, p, 6)
		err := b.Shutdown(within(t, time.Second))
		var left *bus.DrainError
		if want := []bus.UndrainedSubscription{{Name: "numbers", Queued: 3, Running: 1}}; !errors.As(err, &left) || !slices.Equal(left.Subscriptions, want) {
			t.Errorf("%v, want %v", err, want)
		}
		asks <- false
		<-ended
		<-b.Done()
	})
}

// When ctx ends its error is the last thing that a loop yields, when the bus ends ErrClosed is.
func TestEventsEnd(t *testing.T) {
	looping(t, func(t *testing.T, b *bus.Bus, d *diary[string]) {
		for _, ctx := range []context.Context{within(t, 3*time.Second), context.Background()} {
			loops(subscriber.Events(ctx, b, numbers, nil), func(e topic.Event[int], err error) bool {
				noted(d, e, err)
				return true
			})
		}
		p := newPublisher(t, b)
		publish(t, p, 1)
		time.Sleep(4 * time.Second)
		publish(t, p, 2)
		synctest.Wait()
		shutdown(t, b)
		synctest.Wait()
		if got := d.all(); !slices.Equal(got, []string{"1", "1", "0, context deadline exceeded", "2", "0, bus: closed"}) || d.when()[2] != 3*time.Second {
			t.Errorf("%v at %v", got, d.when())
		}
		loops(subscriber.Events(t.Context(), b, numbers, nil), func(_ topic.Event[int], err error) bool {
			if !errors.Is(err, bus.ErrClosed) {
				t.Errorf("a loop after the end: %v", err)
			}
			return true
		})
	})
}

// Close of the bus ends a loop too, and abandons what it has not got.
func TestEventsAndClose(t *testing.T) {
	looping(t, func(t *testing.T, b *bus.Bus, d *diary[string]) {
		bustest.AllowUndelivered(t, b)
		ended := loops(subscriber.Events(t.Context(), b, numbers, nil), func(e topic.Event[int], err error) bool {
			if noted(d, e, err); err == nil {
				time.Sleep(time.Second)
			}
			return true
		})
		publish(t, newPublisher(t, b), 1, 2, 3)
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		<-ended
		<-b.Done()
		if got := d.all(); !slices.Equal(got, []string{"1", "0, bus: closed"}) {
			t.Errorf("%v", got)
		}
	})
}

// A payload that does not decode yields a DecodeError with the zero event, and the loop goes on.
func TestEventsThatDoNotDecode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		d := newDiary[string]()
		ended := loops(subscriber.Events(t.Context(), b, numbers, nil), func(e topic.Event[int], err error) bool {
			var undecoded *bus.DecodeError
			if err != nil && (!errors.As(err, &undecoded) || undecoded.Seq != 2 || e != (topic.Event[int]{})) {
				t.Errorf("%v, %v", e, err)
			}
			d.note(fmt.Sprint(e.Value, err == nil))
			return e.Value < 3
		})
		publish(t, publisherOf(t, b, topic.New[string]("numbers").WithCodec(codec.As("application/json", codec.String))), "1", "two", "3")
		<-ended
		if got := d.all(); !slices.Equal(got, []string{"1 true", "0 false", "3 true"}) {
			t.Errorf("%v", got)
		}
	})
}
