package publisher_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

type Order struct {
	Customer string
	Items    int
}

var Orders = topic.New[Order]("orders.created")

// printed returns a bus that prints what is published to Orders, as show says.
func printed(show func(topic.Event[Order]) string) *bus.Bus {
	b, err := bus.New(nil)
	if err != nil {
		panic(err)
	}
	handler := func(_ context.Context, e topic.Event[Order]) error {
		fmt.Println(show(e))
		return nil
	}
	if _, err := subscriber.New(b, Orders, handler, nil); err != nil {
		panic(err)
	}
	return b
}

func ExampleNew() {
	b := printed(func(e topic.Event[Order]) string { return e.String() })
	ctx := context.Background()

	pub, err := publisher.New(b, Orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, Order{Customer: "ada", Items: 2}); err != nil {
		fmt.Println(err)
	}
	n, err := pub.PublishBatch(ctx, []Order{{"bob", 1}, {"eve", 3}})
	if err != nil {
		fmt.Println(n, "were published, then:", err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output:
	// orders.created#1 {ada 2}
	// orders.created#2 {bob 1}
	// orders.created#3 {eve 3}
}

func ExampleHeader() {
	b := printed(func(e topic.Event[Order]) string { return "order of tenant " + e.Header("tenant") })
	ctx := context.Background()

	pub, err := publisher.New(b, Orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, Order{Customer: "ada"}, publisher.Header("tenant", "acme")); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: order of tenant acme
}

// A key given with Key comes before the one that the topic would give.
func ExampleKey() {
	b := printed(func(e topic.Event[Order]) string { return e.Value.Customer + "'s order has the key " + e.Key() })
	ctx := context.Background()

	pub, err := publisher.New(b, Orders.WithKey(func(o Order) string { return o.Customer }), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, Order{Customer: "ada"}); err != nil {
		fmt.Println(err)
	}
	if err := pub.Publish(ctx, Order{Customer: "ada"}, publisher.Key("wholesale")); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ada's order has the key ada
	// ada's order has the key wholesale
}

// Events that have an identity elsewhere keep it.
func ExampleID() {
	b := printed(func(e topic.Event[Order]) string { return e.ID() })
	ctx := context.Background()

	pub, err := publisher.New(b, Orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, Order{Customer: "ada"}, publisher.ID("order-42")); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: order-42
}

func ExampleAttributeError() {
	b := printed(func(e topic.Event[Order]) string { return "never called" })
	defer b.Close()

	pub, err := publisher.New(b, Orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = pub.Publish(context.Background(), Order{Customer: "ada"}, publisher.Header("deadline", "tomorrow"))
	var wrong *publisher.AttributeError
	if errors.As(err, &wrong) {
		fmt.Printf("%s: %s\n", wrong.Name, wrong.Reason)
	}
	// Output: deadline: the name is reserved
}

// Who subscribes late gets the last reading of each sensor at once.
func ExampleNew_retain() {
	ctx := context.Background()
	b, err := bus.New(nil)
	if err != nil {
		panic(err)
	}
	readings := topic.New[int]("readings")
	pub, err := publisher.New(b, readings, &publisher.Options{Retain: publisher.RetainKeys})
	if err != nil {
		panic(err)
	}
	for i, sensor := range []string{"roof", "cellar", "roof"} {
		if err := pub.Publish(ctx, 20+i, publisher.Key(sensor)); err != nil {
			fmt.Println(err)
		}
	}
	_, err = subscriber.New(b, readings, func(_ context.Context, e topic.Event[int]) error {
		fmt.Println(e.Key(), e.Value)
		return nil
	}, nil)
	if err != nil {
		panic(err)
	}
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// cellar 21
	// roof 22
}
