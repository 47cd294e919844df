package middleware_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// There is one connection to the database. The subscription is inline, so the second event comes while the first is being handled.
func ExampleBulkhead() {
	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	orders := topic.New[string]("orders.created")
	pub, err := publisher.New(b, orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	store := func(_ context.Context, e topic.Event[string]) error {
		fmt.Println("storing", e.Value)
		err := pub.Publish(ctx, "one notebook")
		fmt.Println("too busy for the notebook:", errors.Is(err, middleware.ErrBusy))
		return nil
	}
	connection := middleware.Bulkhead(1, &middleware.BulkheadOptions{MaxWait: -1})
	if _, err := subscriber.New(b, orders, store, &subscriber.Options{Inline: true, Middleware: []bus.Middleware{connection}}); err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, "two pencils"); err != nil {
		fmt.Println(err)
	}
	// Output:
	// storing two pencils
	// too busy for the notebook: true
}
