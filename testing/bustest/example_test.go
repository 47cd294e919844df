package bustest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

type Order struct{ Customer string }

var Orders = topic.New[Order]("orders.created")

// Checkout is what the examples test.
func Checkout(ctx context.Context, b *bus.Bus, customer string) error {
	pub, err := publisher.New(b, Orders, nil)
	if err != nil {
		return err
	}
	return pub.Publish(ctx, Order{Customer: customer}, publisher.Header("tenant", "acme"))
}

// A test of code that publishes: the bus ends with the test.
func ExampleRecord() {
	TestCheckout := func(t *testing.T) {
		b := bustest.New(t)
		got := bustest.Record(t, b, Orders)

		if err := Checkout(t.Context(), b, "ada"); err != nil {
			t.Fatal(err)
		}
		got.Expect(bustest.Equal(Order{Customer: "ada"}))
	}
	_ = TestCheckout
}

// What is expected of one event may be several things.
func ExampleRecorder_Expect() {
	TestCheckout := func(t *testing.T) {
		b := bustest.New(t)
		all := bustest.Record(t, b, topic.NewPrefix[Order]("orders."))

		for _, customer := range []string{"ada", "bob", "eve"} {
			if err := Checkout(t.Context(), b, customer); err != nil {
				t.Fatal(err)
			}
		}
		all.Expect( // in this order, and others among them
			bustest.Both(bustest.Equal(Order{"ada"}), bustest.Topic[Order]("orders.created"), bustest.Header[Order]("tenant", "acme")),
			bustest.Where("not ada", func(e topic.Event[Order]) bool { return e.Value.Customer != "ada" }),
		)
		all.ExpectExactly(bustest.Like(Order{"eve"})) // what is left
	}
	_ = TestCheckout
}

// In a synctest bubble, what did not happen can be tested as well, and nothing takes any time.
func ExampleRecorder_ExpectNone() {
	TestNothingElseIsPublished := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			all := bustest.Record(t, b, topic.NewPrefix[Order](""))

			if err := Checkout(t.Context(), b, "ada"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // takes none
			all.ExpectExactly(bustest.Equal(Order{"ada"}))
			all.ExpectNone()
		})
	}
	_ = TestNothingElseIsPublished
}

// The waits of a retry are exact in a bubble: 1 s, and then 2 s.
func Example_time() {
	TestRetry := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			stock := bustest.NewSubscriber[Order](t, bustest.FailTimes(2, errors.New("no answer")))
			retry := middleware.Retry(&middleware.RetryOptions{Initial: time.Second, Jitter: -1})
			if _, err := subscriber.New(b, Orders, stock.Handle, &subscriber.Options{Middleware: []bus.Middleware{retry}}); err != nil {
				t.Fatal(err)
			}
			if err := Checkout(t.Context(), b, "ada"); err != nil {
				t.Fatal(err)
			}
			if calls := stock.Wait(3); calls[2].Begin.Sub(calls[0].Begin) != 3*time.Second {
				t.Errorf("attempts: %v", calls)
			}
		})
	}
	_ = TestRetry
}

// Options are those of the bus itself.
func ExampleNew() {
	TestWithMiddleware := func(t *testing.T) {
		b := bustest.New(t, &bus.Options{Name: "checkout", Publish: []bus.Middleware{middleware.Recover()}})

		if err := Checkout(t.Context(), b, "ada"); err != nil {
			t.Fatal(err)
		}
	}
	_ = TestWithMiddleware
}

// A subscription that may lose events does, when its test wants that.
func ExampleAllowUndelivered() {
	TestSlowReporter := func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b)
		reporter := bustest.NewSubscriber[Order](t, bustest.Always(bustest.Block()))
		sub, err := subscriber.New(b, Orders, reporter.Handle, &subscriber.Options{Queue: 1, Overflow: bus.DropOldest})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := Checkout(t.Context(), b, "ada"); err != nil {
				t.Fatal(err)
			}
		}
		if s := sub.Stats(); s.Dropped < 8 {
			t.Errorf("%+v", s)
		}
	}
	_ = TestSlowReporter
}

// The same test over every transport: in memory, and over inproc, ipc and tcp.
func ExampleRun() {
	TestCheckout := func(t *testing.T) {
		bustest.Run(t, func(t *testing.T, open bustest.Open) {
			shop, stock := open(), open()
			got := bustest.Record(t, stock, Orders)
			if err := got.Subscription().Ready(t.Context()); err != nil {
				t.Fatal(err)
			}

			if err := Checkout(t.Context(), shop, "ada"); err != nil {
				t.Fatal(err)
			}
			got.Expect(bustest.Equal(Order{Customer: "ada"}))
		})
	}
	_ = TestCheckout
}
