package topic_test

import (
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
)

func ExampleNew() {
	type Order struct{ Customer string }
	orders := topic.New[Order]("orders.created").WithKey(func(o Order) string { return o.Customer })

	fmt.Println(orders, orders.Codec().ContentType(), orders.KeyFunc()(Order{Customer: "ada"}))
	// Output: orders.created application/json ada
}

// Names that are not constants go through Parse, which says what is wrong with them.
func ExampleParse() {
	for _, name := range []string{"orders.created", "orders..created"} {
		t, err := topic.Parse[string](name)
		var wrong *topic.NameError
		if errors.As(err, &wrong) {
			fmt.Println("cannot be used:", wrong.Reason)
			continue
		}
		fmt.Println(t)
	}
	// Output:
	// orders.created
	// cannot be used: has nothing in segment 2
}

// A topic is a value: deriving from it leaves it as it is.
func ExampleTopic_WithCodec() {
	images := topic.New[[]byte]("images")
	raw := images.WithCodec(codec.Raw)

	fmt.Println(images.Codec().ContentType())
	fmt.Println(raw.Codec().ContentType())
	// Output:
	// application/json
	// application/octet-stream
}

// A prefix is bytes, as with ZeroMQ. Ending it with a dot makes it a prefix of whole segments.
func ExampleNewPrefix() {
	orders := topic.NewPrefix[string]("orders.")
	for _, name := range []string{"orders.created", "orders.created.eu", "orders2.created"} {
		fmt.Println(name, orders.Match(name))
	}
	// Output:
	// orders.created true
	// orders.created.eu true
	// orders2.created false
}

func ExampleNewPattern() {
	european := topic.NewPattern[string]("orders.*.eu")
	all := topic.NewPattern[string]("orders.>")
	for _, name := range []string{"orders.created.eu", "orders.created.us", "orders.eu", "orders"} {
		fmt.Println(name, european.Match(name), all.Match(name))
	}
	// Output:
	// orders.created.eu true true
	// orders.created.us false true
	// orders.eu false true
	// orders false false
}

// A handler is tested with events that nobody published.
func ExampleNewEvent() {
	type Order struct{ Items int }
	handle := func(e topic.Event[Order]) {
		fmt.Printf("%s for %s: %d items from %s\n", e.ID(), e.Key(), e.Value.Items, e.Header("region"))
	}
	handle(topic.NewEvent(Order{Items: 3}, topic.Metadata{
		Topic:   "orders.created",
		ID:      "order-42",
		Key:     "ada",
		Headers: map[string]string{"region": "eu"},
	}))
	// Output: order-42 for ada: 3 items from eu
}
