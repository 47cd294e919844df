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

// An order that came by HTTP is paid because it was created, and both belong to the HTTP request.
func ExampleCorrelation() {
	both := []bus.Middleware{middleware.Correlation()}
	b, err := bus.New(&bus.Options{Publish: both, Subscribe: both})
	if err != nil {
		panic(err)
	}
	created, paid := topic.New[string]("orders.created"), topic.New[string]("orders.paid")
	payments, err := publisher.New(b, paid, nil)
	if err != nil {
		panic(err)
	}
	_, err = subscriber.New(b, created, func(ctx context.Context, e topic.Event[string]) error {
		return payments.Publish(ctx, e.Value) // the handler's context tells why
	}, nil)
	if err != nil {
		panic(err)
	}
	_, err = subscriber.New(b, paid, func(_ context.Context, e topic.Event[string]) error {
		fmt.Println(e.Topic(), "belongs to", e.Header("correlation-id"), "and was caused by", e.Header("causation-id"))
		return nil
	}, nil)
	if err != nil {
		panic(err)
	}
	orders, err := publisher.New(b, created, nil)
	if err != nil {
		panic(err)
	}
	ctx := middleware.WithCorrelationID(context.Background(), "http-request-7")
	if err := orders.Publish(ctx, "two pencils", publisher.ID("order-1")); err != nil {
		panic(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handlers
		panic(err)
	}
	// Output: orders.paid belongs to http-request-7 and was caused by order-1
}
