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

// An order may be taken back for a moment before it is packed.
func ExampleDelay() {
	orders := topic.New[string]("orders.created")
	handler := func(_ context.Context, e topic.Event[string]) error {
		fmt.Printf("%s packed, 20 ms old: %t\n", e.Value, time.Since(e.Time()) >= 20*time.Millisecond)
		return nil
	}
	b := must(bus.New(nil))
	must(subscriber.New(b, orders, handler, &subscriber.Options{
		Middleware: []bus.Middleware{middleware.Delay(20 * time.Millisecond)},
	}))
	ctx := context.Background()
	if err := must(publisher.New(b, orders, nil)).Publish(ctx, "two pencils"); err != nil {
		log.Fatal(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		log.Fatal(err)
	}
	// Output: two pencils packed, 20 ms old: true
}
