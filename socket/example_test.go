package socket_test

import (
	"context"
	"fmt"
	"log"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/go-zeromq/zmq4"
)

// Whoever uses go-zeromq/zmq4 changes the constructors, and nothing else.
func Example_zmq4() {
	var server, client zmq4.Socket
	server = socket.NewRep(nil) // was zmq4.NewRep(ctx)
	client = socket.NewReq(nil) // was zmq4.NewReq(ctx)
	defer server.Close()
	defer client.Close()

	if err := server.Listen("tcp://127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	if err := client.Dial("tcp://" + server.Addr().String()); err != nil {
		log.Fatal(err)
	}
	if err := client.Send(zmq4.NewMsgString("Hello")); err != nil {
		log.Fatal(err)
	}
	request, err := server.Recv()
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Send(zmq4.NewMsgString(string(request.Bytes()) + ", World")); err != nil {
		log.Fatal(err)
	}
	reply, err := client.Recv()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", reply.Bytes())
	// Output: Hello, World
}

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
