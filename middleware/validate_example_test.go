package middleware_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
)

// No event leaves without saying which customer it is about.
func ExampleValidate() {
	customer := middleware.Validate(func(_ context.Context, m *bus.Message) error {
		if m.Key() == "" {
			return errors.New("it has no customer")
		}
		return nil
	})
	b, err := bus.New(&bus.Options{Publish: []bus.Middleware{customer}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	pub, err := publisher.New(b, topic.New[string]("orders.created"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	fmt.Println(pub.Publish(ctx, "two pencils", publisher.Key("ada")))
	fmt.Println(pub.Publish(ctx, "two pencils"))
	// Output:
	// <nil>
	// middleware: event on "orders.created" is not valid: it has no customer
}

// No order leaves that costs nothing.
func ExampleValidateValue() {
	type order struct{ Cents int }
	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	pub, err := publisher.New(b, topic.New[order]("orders.created"), &publisher.Options{Middleware: []bus.Middleware{
		middleware.ValidateValue(func(_ context.Context, o order) error {
			if o.Cents <= 0 {
				return fmt.Errorf("it costs %d", o.Cents)
			}
			return nil
		}),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pub.Publish(context.Background(), order{100}))
	fmt.Println(pub.Publish(context.Background(), order{0}))
	// Output:
	// <nil>
	// middleware: event on "orders.created" is not valid: it costs 0
}
