package bustest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// described shows events as their String method does.
func described[T any](events []topic.Event[T]) (texts []string) {
	for _, e := range events {
		texts = append(texts, e.String())
	}
	return texts
}

func TestWaitReturnsTheFirstEvents(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	got := bustest.Record(t, b, orders)
	publish(t, b, orders, "first", "second", "third")
	if events, want := described(got.Wait(2)), []string{"orders.created#1 first", "orders.created#2 second"}; !slices.Equal(events, want) {
		t.Errorf("got %q, want %q", events, want)
	}
	if events := got.Wait(0); len(events) != 0 {
		t.Errorf("waiting for nothing: %v", events)
	}
}

// TestWaitWaits checks that Wait returns with the event that was missing: by the clock of the bubble, not a moment later.
func TestWaitWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		got := bustest.Record(t, b, orders)
		publish(t, b, orders, "first")
		begin := time.Now()
		time.AfterFunc(9*time.Second, func() { publish(t, b, orders, "second") })
		events := got.Wait(2)
		if took := time.Since(begin); len(events) != 2 || took != 9*time.Second {
			t.Errorf("%v after %v", events, took)
		}
	})
}

func TestWaitFailsWithWhatDidCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := faketb.Run(t, func(t testing.TB) {
			b := bustest.New(t)
			got := bustest.Record(t, b, orders)
			publish(t, b, orders, "first", "second")
			got.Wait(3)
			t.Errorf("Wait goes on after its failure")
		}).Failures
		if want := "2 of 3 events came within 10s:\n\t+0s\torders.created#1 first\n\t+0s\torders.created#2 second"; failures != want {
			t.Errorf("failures %q, want %q", failures, want)
		}
	})
}

func TestWaitForLessThanNothing(t *testing.T) {
	t.Parallel()
	failures := recording(t, func(_ testing.TB, _ *bus.Bus, got *bustest.Recorder[string]) { got.Wait(-1) })
	if want := "Wait for -1 events, the number is 0 or more"; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

func TestRecordPrefix(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	got := bustest.Record(t, b, topic.NewPrefix[string]("orders."))
	publish(t, b, orders, "first")
	publish(t, b, topic.New[string]("invoices.sent"), "not this one")
	publish(t, b, topic.New[string]("orders.shipped"), "second")
	if events, want := described(got.Wait(2)), []string{"orders.created#1 first", "orders.shipped#1 second"}; !slices.Equal(events, want) {
		t.Errorf("got %q, want %q", events, want)
	}
}

// TestAllIsWhatCameSoFar shows how to prove that something did not happen: in a bubble, when every goroutine waits.
func TestAllIsWhatCameSoFar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		got := bustest.Record(t, b, orders)
		if events := got.All(); len(events) != 0 {
			t.Errorf("before the first event: %v", events)
		}
		publish(t, b, orders, "first")
		publish(t, b, topic.New[string]("orders.shipped"), "not this one")
		synctest.Wait()
		events := got.All()
		if want := []string{"orders.created#1 first"}; !slices.Equal(described(events), want) {
			t.Errorf("got %v, want %q", events, want)
		}
		events[0].Value = "changed"
		if again := got.All(); again[0].Value != "first" {
			t.Errorf("the recorder's events were changed: %v", again)
		}
	})
}

func TestSubscriptionOfARecorder(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	got := bustest.Record(t, b, orders)
	if err := got.Subscription().Ready(t.Context()); err != nil {
		t.Error(err)
	}
	publish(t, b, orders, "first", "second")
	got.Wait(2)
	if err := b.Shutdown(t.Context()); err != nil { // the second handler has returned
		t.Fatal(err)
	}
	if s := got.Subscription().Stats(); s.Matched != 2 || s.Succeeded != 2 {
		t.Errorf("stats %+v", s)
	}
}

// TestRecordEndsWithItsTest has a bus that several tests share.
func TestRecordEndsWithItsTest(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	for i := range 2 {
		t.Run(fmt.Sprintf("test %d", i+1), func(t *testing.T) {
			got := bustest.Record(t, b, orders)
			publish(t, b, orders, "own")
			got.Wait(1)
		})
		publish(t, b, orders, "too late")
		if got, want := b.Stats().Unmatched, uint64(i+1); got != want {
			t.Errorf("after test %d, %d events had no subscription, want %d", i+1, got, want)
		}
	}
}

// TestRecordersGetWhatIsQueued has a test that ends while its recorder has much to do, and one of a bus that goes on.
func TestRecordersGetWhatIsQueued(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"own bus": true, "shared bus": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slow := &bus.Options{Subscribe: []bus.Middleware{bus.Wrap("slow", func(next bus.Handler) bus.Handler {
					return func(ctx context.Context, m *bus.Message) error {
						time.Sleep(time.Second)
						return next(ctx, m)
					}
				})}}
				shared := bustest.New(t, slow)
				var got *bustest.Recorder[string]
				failures := faketb.Run(t, func(t testing.TB) {
					b := shared
					if own {
						b = bustest.New(t, slow)
					}
					got = bustest.Record(t, b, orders)
					publish(t, b, orders, "a", "b", "c")
				}).Failures
				if failures != "" || len(got.All()) != 3 {
					t.Errorf("got %v, failures %q", got.All(), failures)
				}
			})
		})
	}
}

func TestRecordOnAClosedBus(t *testing.T) {
	t.Parallel()
	b, err := bus.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	failures := faketb.Run(t, func(t testing.TB) { bustest.Record(t, b, orders) }).Failures
	if want := `subscribing to "orders.created": bus: closed`; failures != want {
		t.Errorf("failures %q, want %q", failures, want)
	}
}
