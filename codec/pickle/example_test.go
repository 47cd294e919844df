package pickle_test

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec/pickle"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

type Measurement struct {
	Sensor string    `pickle:"sensor"`
	Values []float64 `pickle:"values"`
}

// A subscriber that knows no type of the publisher gets natural ones, as it would from Python.
func Example() {
	published := topic.New[Measurement]("measured").WithCodec(pickle.Codec)
	received := topic.New[any]("measured").WithCodec(pickle.Codec)
	ctx := context.Background()

	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = subscriber.New(b, received, func(_ context.Context, e topic.Event[any]) error {
		fmt.Printf("%T %v\n", e.Value, e.Value)
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
	if err := pub.Publish(ctx, Measurement{Sensor: "roof", Values: []float64{3.5, 4}}); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output:
	// map[string]interface {} map[sensor:roof values:[3.5 4]]
}

// A pickle that would run a command in Python is refused.
func Example_refused() {
	var value any
	fmt.Println(pickle.Codec.Decode([]byte("cos\nsystem\n(Vls\ntR."), &value))
	// Output:
	// at byte 0: opcode GLOBAL, which names or calls code: only plain data is decoded (bytes need pickle protocol 3 or later)
}
