package socket_test

import (
	"context"
	"fmt"
	"log"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

func Example() {
	ctx := context.Background()
	pub := socket.NewPub(nil)
	defer pub.Close()
	if err := pub.Listen("tcp://127.0.0.1:*"); err != nil {
		log.Fatal(err)
	}

	sub := socket.NewSub(&socket.Options{ReceiveHWM: 100})
	defer sub.Close()
	if err := sub.Subscribe("orders."); err != nil {
		log.Fatal(err)
	}
	if err := sub.Dial(pub.Bound()[0]); err != nil {
		log.Fatal(err)
	}
	if err := sub.Ready(ctx); err != nil { // from here on nothing is missed
		log.Fatal(err)
	}

	if err := pub.Send(zmq4.NewMsgFrom([]byte("orders.created"), []byte("42"))); err != nil {
		log.Fatal(err)
	}
	msg, err := sub.RecvContext(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %s\n", msg.Frames[0], msg.Frames[1])
	// Output: orders.created 42
}
