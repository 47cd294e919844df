package multipart_test

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec/multipart"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// Rows are frames. A peer that is not ours gets them by recv_multipart, behind the topic.
type rows [][]byte

func Example() {
	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	handler := func(_ context.Context, e topic.Event[rows]) error {
		fmt.Printf("%d frames: %q\n", len(e.Value), e.Value)
		return nil
	}
	if _, err := subscriber.New(b, topic.New[rows]("camera").WithCodec(multipart.Codec), handler, nil); err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, topic.New[[][]byte]("camera").WithCodec(multipart.Codec), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, [][]byte{[]byte("640x480"), []byte("\x00\x01")}); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output: 2 frames: ["640x480" "\x00\x01"]
}
