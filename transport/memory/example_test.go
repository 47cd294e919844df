package memory_test

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/memory"
)

// Two buses in one process, as if they were two processes: nobody has to wait until they are connected.
func ExampleNewNetwork() {
	ctx := context.Background()
	created := topic.New[string]("orders.created")
	network := memory.NewNetwork(nil)
	orders, err := bus.New(&bus.Options{Transport: network.Join()})
	if err != nil {
		panic(err)
	}
	defer orders.Close()
	billing, err := bus.New(&bus.Options{Transport: network.Join()})
	if err != nil {
		panic(err)
	}
	defer billing.Close()

	got := make(chan topic.Event[string])
	_, err = subscriber.New(billing, created, func(_ context.Context, e topic.Event[string]) error {
		got <- e
		return nil
	}, nil)
	if err != nil {
		panic(err)
	}
	pub, err := publisher.New(orders, created, nil)
	if err != nil {
		panic(err)
	}
	if err := pub.Publish(ctx, "a chair"); err != nil {
		panic(err)
	}
	fmt.Println(<-got)
	// Output: orders.created#1 a chair
}
