package middleware_test

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// A publisher that does not know whether it has sent an order sends it again, with the same ID.
func ExampleDeduplicate() {
	b, err := bus.New(&bus.Options{Subscribe: []bus.Middleware{middleware.Deduplicate(nil)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	orders := topic.New[string]("orders.created")
	sub, err := subscriber.New(b, orders, func(_ context.Context, e topic.Event[string]) error {
		fmt.Println("handling order", e.ID())
		return nil
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, id := range []string{"1001", "1001", "1002"} {
		if err := pub.Publish(ctx, "two pencils", publisher.ID(id)); err != nil {
			fmt.Println(err)
		}
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	fmt.Println("duplicates:", sub.Stats().Filtered)
	// Output:
	// handling order 1001
	// handling order 1002
	// duplicates: 1
}
