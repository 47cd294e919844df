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

// The subscription takes the orders of one country.
func ExampleFilter() {
	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	orders := topic.New[string]("orders.created")
	ours := middleware.Filter(func(m *bus.Message) bool { return m.Header("country") == "nl" })
	sub, err := subscriber.New(b, orders, func(_ context.Context, e topic.Event[string]) error {
		fmt.Println("handling", e.Value)
		return nil
	}, &subscriber.Options{Middleware: []bus.Middleware{ours}})
	if err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for value, country := range map[string]string{"two pencils": "nl", "one notebook": "de"} {
		if err := pub.Publish(ctx, value, publisher.Header("country", country)); err != nil {
			fmt.Println(err)
		}
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	fmt.Println("filtered:", sub.Stats().Filtered)
	// Output:
	// handling two pencils
	// filtered: 1
}

// The subscription takes the orders that are large.
func ExampleFilterValue() {
	type order struct{ Cents int }
	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	orders := topic.New[order]("orders.created")
	_, err = subscriber.New(b, orders, func(_ context.Context, e topic.Event[order]) error {
		fmt.Println("handling", e.Value)
		return nil
	}, &subscriber.Options{Middleware: []bus.Middleware{
		middleware.FilterValue(func(o order) bool { return o.Cents >= 100_00 }),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := pub.PublishBatch(ctx, []order{{99_99}, {100_00}}); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output: handling {10000}
}
