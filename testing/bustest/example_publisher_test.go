package bustest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// Shop asks for what it needs of a publisher, and not for a *publisher.Publisher: so it can be tested with a fake.
type Shop struct{ Orders publisher.Interface[Order] }

// Sell tries a second time when an order could not be published.
func (s Shop) Sell(ctx context.Context, customer string) error {
	o, tenant := Order{Customer: customer}, publisher.Header("tenant", "acme")
	if s.Orders.Publish(ctx, o, tenant) == nil {
		return nil
	}
	return s.Orders.Publish(ctx, o, tenant)
}

// A test of code that publishes, and has to deal with a failure.
func ExamplePublisher() {
	TestSell := func(t *testing.T) {
		orders := bustest.NewPublisher(t, Orders, bustest.FailTimes(1, errors.New("disk full")))

		if err := (Shop{orders}).Sell(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		if got := orders.Published(); len(got) != 1 || got[0].Value.Customer != "ada" || got[0].Header("tenant") != "acme" {
			t.Errorf("published: %v", got)
		}
	}
	_ = TestSell
}
