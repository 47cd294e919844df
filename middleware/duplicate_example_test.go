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

// Does the handler count an order twice that comes twice?
func ExampleDuplicate() {
	b, err := bus.New(&bus.Options{Subscribe: []bus.Middleware{middleware.Duplicate()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	orders := topic.New[string]("orders.created")
	pencils, known := 0, map[string]bool{}
	_, err = subscriber.New(b, orders, func(_ context.Context, e topic.Event[string]) error {
		if known[e.ID()] {
			return bus.ErrFiltered
		}
		known[e.ID()] = true
		pencils += 2
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
	if err := pub.Publish(ctx, "two pencils"); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	fmt.Println("pencils sold:", pencils)
	// Output: pencils sold: 2
}
