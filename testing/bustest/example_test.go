package bustest_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
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
	return pub.Publish(ctx, Order{Customer: customer})
}

// A test of code that publishes: the bus ends with the test.
func ExampleRecord() {
	TestCheckout := func(t *testing.T) {
		b := bustest.New(t)
		got := bustest.Record(t, b, Orders)

		if err := Checkout(t.Context(), b, "ada"); err != nil {
			t.Fatal(err)
		}
		if e := got.Wait(1)[0]; e.Value.Customer != "ada" {
			t.Errorf("got %v", e)
		}
	}
	_ = TestCheckout
}

// In a synctest bubble, what did not happen can be tested as well, and nothing takes any time.
func ExampleRecorder_All() {
	TestNothingElseIsPublished := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			all := bustest.Record(t, b, topic.NewPrefix[Order](""))

			if err := Checkout(t.Context(), b, "ada"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if events := all.All(); len(events) != 1 {
				t.Errorf("got %v, want one event", events)
			}
		})
	}
	_ = TestNothingElseIsPublished
}

// Options are those of the bus itself.
func ExampleNew() {
	TestWithMiddleware := func(t *testing.T) {
		b := bustest.New(t, &bus.Options{Name: "checkout", Publish: []bus.Middleware{}})

		if err := Checkout(t.Context(), b, "ada"); err != nil {
			t.Fatal(err)
		}
	}
	_ = TestWithMiddleware
}
