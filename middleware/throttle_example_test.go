package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
)

// A publisher that may send two events at once, and then one every minute.
func ExampleThrottle() {
	b, err := bus.New(&bus.Options{Publish: []bus.Middleware{middleware.Throttle(1.0/60, 2)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	pub, err := publisher.New(b, topic.New[string]("orders.created"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // there is no time to wait for the third
	defer cancel()
	for _, value := range []string{"two pencils", "one notebook", "an eraser"} {
		err := pub.Publish(ctx, value)
		var throttled *middleware.ThrottleError
		fmt.Println(value, "throttled:", errors.As(err, &throttled))
	}
	// Output:
	// two pencils throttled: false
	// one notebook throttled: false
	// an eraser throttled: true
}

// Each customer may send one event a minute.
func ExampleThrottleByKey() {
	b, err := bus.New(&bus.Options{Publish: []bus.Middleware{middleware.ThrottleByKey(1.0/60, 1, nil)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	pub, err := publisher.New(b, topic.New[string]("orders.created"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, customer := range []string{"ada", "bob", "ada"} {
		err := pub.Publish(ctx, "two pencils", publisher.Key(customer))
		var throttled *middleware.ThrottleError
		fmt.Println(customer, "throttled:", errors.As(err, &throttled))
	}
	// Output:
	// ada throttled: false
	// bob throttled: false
	// ada throttled: true
}
