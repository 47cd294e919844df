package middleware_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
)

// A third of all publishes fail, and always the same ones: what does the program do about it?
func ExampleFault() {
	faults := middleware.Fault(&middleware.FaultOptions{Seed: 1, Errors: 1.0 / 3, Err: errors.New("connection lost")})
	b, err := bus.New(&bus.Options{Publish: []bus.Middleware{faults}})
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
	for range 5 {
		fmt.Println(pub.Publish(context.Background(), "two pencils"))
	}
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// middleware: fault injected: connection lost
	// <nil>
}
