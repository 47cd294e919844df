package bustest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// A handler that fails twice, and what middleware makes of it: in a bubble of testing/synctest, where waiting takes no time.
func ExampleSubscriber() {
	TestRetry := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			fake := bustest.NewSubscriber[Order](t, bustest.FailTimes(2, errors.New("no stock left")))
			_, err := subscriber.New(b, Orders, fake.Handle, &subscriber.Options{Middleware: []bus.Middleware{middleware.Retry(nil)}})
			if err != nil {
				t.Fatal(err)
			}
			if err := Checkout(t.Context(), b, "ada"); err != nil {
				t.Fatal(err)
			}
			if last := fake.Wait(3)[2]; last.Number != 3 || last.Err != nil {
				t.Errorf("got %v", last)
			}
		})
	}
	_ = TestRetry
}

// A handler that is stuck while more is published, until the test lets it go on.
func ExampleSubscriber_Release() {
	TestPublishersDoNotWait := func(t *testing.T) {
		b := bustest.New(t)
		fake := bustest.NewSubscriber[Order](t, bustest.Block())
		if _, err := subscriber.New(b, Orders, fake.Handle, nil); err != nil {
			t.Fatal(err)
		}
		for _, customer := range []string{"ada", "bob"} {
			if err := Checkout(t.Context(), b, customer); err != nil {
				t.Fatal(err)
			}
		}
		fake.WaitRunning(1)
		fake.Release()
		fake.Wait(2)
	}
	_ = TestPublishersDoNotWait
}

// The first event takes a second, the second one panics, and all others fail.
func ExampleBehavior() {
	TestNoEventStopsTheOthers := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			fake := bustest.NewSubscriber[Order](t,
				bustest.Take(time.Second),
				bustest.Panic("out of memory"),
				bustest.Always(bustest.Fail(errors.New("no stock left"))),
			)
			if _, err := subscriber.New(b, Orders, fake.Handle, nil); err != nil {
				t.Fatal(err)
			}
			for _, customer := range []string{"ada", "bob", "cyd", "dan"} {
				if err := Checkout(t.Context(), b, customer); err != nil {
					t.Fatal(err)
				}
			}
			if last := fake.Wait(4)[3]; last.Event.Value.Customer != "dan" || last.Err == nil {
				t.Errorf("got %v", last)
			}
		})
	}
	_ = TestNoEventStopsTheOthers
}
