package middleware_test

import (
	"context"
	"errors"
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

// The warehouse answers the third time.
func ExampleRetry() {
	orders := topic.New[string]("orders.created")
	attempts := 0
	handler := func(_ context.Context, e topic.Event[string]) error {
		if attempts++; attempts < 3 {
			return errors.New("the warehouse is closed")
		}
		fmt.Println(e.Value, "packed")
		return nil
	}
	b := must(bus.New(nil))
	must(subscriber.New(b, orders, handler, &subscriber.Options{
		Middleware: []bus.Middleware{middleware.Retry(&middleware.RetryOptions{
			Initial: 10 * time.Millisecond,
			Jitter:  -1, // none, for the output
			OnRetry: func(_ context.Context, m *bus.Message, err error, wait time.Duration) {
				fmt.Printf("attempt %d: %v, another one in %v\n", m.Attempt(), err, wait)
			},
		})},
	}))
	ctx := context.Background()
	if err := must(publisher.New(b, orders, nil)).Publish(ctx, "two pencils"); err != nil {
		log.Fatal(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		log.Fatal(err)
	}
	// Output:
	// attempt 1: the warehouse is closed, another one in 10ms
	// attempt 2: the warehouse is closed, another one in 20ms
	// two pencils packed
}
