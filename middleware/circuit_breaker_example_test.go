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

// After two failures the database is left alone. The subscription is inline, so that Publish returns what its chain returns.
func ExampleCircuitBreaker() {
	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	orders := topic.New[string]("orders.created")
	store := func(context.Context, topic.Event[string]) error {
		fmt.Println("asking the database")
		return errors.New("connection refused")
	}
	breaker := middleware.CircuitBreaker(&middleware.CircuitBreakerOptions{
		Name:     "database",
		Failures: 2,
		OnChange: func(from, to middleware.CircuitState) { fmt.Println("from", from, "to", to) },
	})
	if _, err := subscriber.New(b, orders, store, &subscriber.Options{Inline: true, Middleware: []bus.Middleware{breaker}}); err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		err := pub.Publish(context.Background(), "two pencils")
		fmt.Println("not let through:", errors.Is(err, middleware.ErrOpen))
	}
	// Output:
	// asking the database
	// not let through: false
	// asking the database
	// from closed to open
	// not let through: false
	// not let through: true
}
