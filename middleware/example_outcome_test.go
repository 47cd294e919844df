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

// An order that is there already is no failure.
func ExampleIgnoreErrors() {
	orders := topic.New[string]("orders.created")
	errKnown := errors.New("known already")
	handler := func(_ context.Context, e topic.Event[string]) error {
		return fmt.Errorf("order of %s: %w", e.Value, errKnown)
	}
	b := must(bus.New(nil))
	sub := must(subscriber.New(b, orders, handler, &subscriber.Options{
		Middleware: []bus.Middleware{report, middleware.IgnoreErrors(errKnown)},
	}))
	ctx := context.Background()
	if err := must(publisher.New(b, orders, nil)).Publish(ctx, "two pencils"); err != nil {
		log.Fatal(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		log.Fatal(err)
	}
	fmt.Println(sub.Stats().Succeeded, "succeeded")
	// Output: 1 succeeded
}

// Pencils are always out of stock, and everybody knows.
func ExampleIgnoreErrorsFunc() {
	orders := topic.New[string]("orders.created")
	handler := func(_ context.Context, e topic.Event[string]) error { return fmt.Errorf("no stock of %s", e.Value) }
	ignored := 0
	b := must(bus.New(nil))
	must(subscriber.New(b, orders, handler, &subscriber.Options{
		Middleware: []bus.Middleware{report, middleware.IgnoreErrorsFunc(func(err error) bool {
			if err.Error() != "no stock of pencils" {
				return false
			}
			ignored++
			return true
		})},
	}))
	ctx := context.Background()
	if _, err := must(publisher.New(b, orders, nil)).PublishBatch(ctx, []string{"pencils", "notebooks"}); err != nil {
		log.Fatal(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		log.Fatal(err)
	}
	fmt.Println(ignored, "ignored")
	// Output:
	// no stock of notebooks
	// 1 ignored
}

// The warehouse does not answer for a while: the worker begins the next order only after a pause.
func ExampleDelayOnError() {
	orders := topic.New[string]("orders.created")
	begin, calls := time.Now(), 0
	handler := func(_ context.Context, e topic.Event[string]) error {
		if calls++; calls < 3 {
			return errors.New("the warehouse does not answer")
		}
		fmt.Printf("%s after two pauses: %t\n", e.Value, time.Since(begin) >= 30*time.Millisecond)
		return nil
	}
	b := must(bus.New(nil))
	must(subscriber.New(b, orders, handler, &subscriber.Options{
		Middleware: []bus.Middleware{report, middleware.DelayOnError(&middleware.DelayOnErrorOptions{Initial: 10 * time.Millisecond})},
	}))
	ctx := context.Background()
	if _, err := must(publisher.New(b, orders, nil)).PublishBatch(ctx, []string{"pencils", "notebooks", "paper"}); err != nil {
		log.Fatal(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		log.Fatal(err)
	}
	// Output:
	// the warehouse does not answer
	// the warehouse does not answer
	// paper after two pauses: true
}
