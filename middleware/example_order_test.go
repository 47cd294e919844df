package middleware_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// The list of the bus is outside of the subscription's, and Explain tells what comes of both. A list in an order that cannot work is refused.
func Example_order() {
	orders := topic.New[string]("orders.created")
	handler := func(context.Context, topic.Event[string]) error { return nil }
	b := must(bus.New(&bus.Options{Subscribe: []bus.Middleware{
		middleware.Log(zerolog.New(os.Stderr), nil),
		middleware.DeadLetter("orders.dead", nil),
	}}))
	defer b.Close()

	sub := must(subscriber.New(b, orders, handler, &subscriber.Options{Middleware: []bus.Middleware{
		middleware.Retry(nil),
		middleware.Timeout(time.Second),
		middleware.Recover(),
	}}))
	fmt.Println(b.Explain(sub))

	_, err := subscriber.New(b, orders, handler, &subscriber.Options{Middleware: []bus.Middleware{
		middleware.Recover(),
		middleware.Retry(nil),
	}})
	fmt.Println(err)
	// Output:
	// subscriber "orders.created" of "orders.created", 1 at the same time, 1024 wait
	//   chain: log(dead letter(retry up to 3(timeout(recover(handler)))))
	//   from this bus: once, Block when the queue is full
	//   from others: never
	//   calls of the handler for each: up to 3
	// subscriber.Options.Middleware: middleware "recover" stands outside of "retry": a panic would pass "retry" before it becomes an error; the right order is log, dead letter, retry, recover
}
