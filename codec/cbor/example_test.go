package cbor_test

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec/cbor"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// The two sides have Go types of their own, so the events go between them as CBOR.
func Example() {
	type Order struct {
		Customer string `cbor:"customer"`
		Items    int    `cbor:"items"`
	}
	type Billing struct {
		Customer string `cbor:"customer"`
	}
	ctx := context.Background()
	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	bills := topic.New[Billing]("orders").WithCodec(cbor.Codec)
	handler := func(_ context.Context, e topic.Event[Billing]) error {
		fmt.Println("a bill for", e.Value.Customer)
		return nil
	}
	if _, err := subscriber.New(b, bills, handler, nil); err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, topic.New[Order]("orders").WithCodec(cbor.Codec), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, Order{Customer: "ada", Items: 2}); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output: a bill for ada
}
