package middleware_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// must is for the examples, where nothing goes wrong but what they show.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// report prints the errors that come to it, in the phase in which others log or count them. They go no further.
var report = bus.Middleware{Name: "report", Phase: bus.PhaseObserve, Wrap: func(next bus.Handler) bus.Handler {
	return func(ctx context.Context, m *bus.Message) error {
		if err := next(ctx, m); err != nil {
			fmt.Println(err)
		}
		return nil
	}
}}

// The handler asks a warehouse that does not answer.
func ExampleTimeout() {
	orders := topic.New[string]("orders.created")
	warehouse := make(chan string)
	handler := func(ctx context.Context, e topic.Event[string]) error {
		select {
		case answer := <-warehouse:
			fmt.Println(e.Value, answer)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b := must(bus.New(nil))
	must(subscriber.New(b, orders, handler, &subscriber.Options{
		Middleware: []bus.Middleware{report, middleware.Timeout(20 * time.Millisecond)},
	}))
	ctx := context.Background()
	if err := must(publisher.New(b, orders, nil)).Publish(ctx, "two pencils"); err != nil {
		log.Fatal(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		log.Fatal(err)
	}
	// Output: middleware: not done within 20ms: context deadline exceeded
}
