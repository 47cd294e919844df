package protobuf_test

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec/protobuf"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A publisher that counts in 32 bits, and a subscriber whose message has 64 by now, which the format allows.
func Example() {
	published := topic.New[*wrapperspb.Int32Value]("orders.count").WithCodec(protobuf.Codec)
	received := topic.New[*wrapperspb.Int64Value]("orders.count").WithCodec(protobuf.Codec)
	ctx := context.Background()

	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = subscriber.New(b, received, func(_ context.Context, e topic.Event[*wrapperspb.Int64Value]) error {
		fmt.Println(e.Topic(), e.Value.GetValue())
		return nil
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, published, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, wrapperspb.Int32(42)); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output:
	// orders.count 42
}
