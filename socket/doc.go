// Package socket provides ZeroMQ sockets in pure Go, usable on their own. They speak ZMTP 3 over tcp and ipc with any ZeroMQ peer.
//
// Every socket is a [zmq4.Socket] and more (see [Socket]): calls take a context, many messages move at once, what is dropped is
// counted, and what happens to connections is told by events. Any socket may bind and connect, to many endpoints, in any order:
//
//	pub := socket.NewPub(nil)
//	err := pub.Listen("tcp://127.0.0.1:5555")
//
//	sub := socket.NewSub(nil)
//	err = sub.Dial("tcp://127.0.0.1:5555")
//	err = sub.Subscribe("orders.")
//	err = sub.Ready(ctx) // the publisher has the subscription
//	msg, err := sub.RecvContext(ctx)
//
// # Endpoints
//
//	tcp://host:port     tcp://[::1]:port     tcp://*:port (listen: every address)     port 0 or * (listen: any free port)
//	ipc:///path         ipc://@abstract (Linux)
//
// # Losses
//
// PUB never waits: what a peer's full queue cannot take is dropped for that peer, the newest first, and counted. SUB stops reading
// from a peer whose queue is full, so the loss happens, counted, at the publisher. A connection that is lost is made again by the side that
// dialled; what was queued for it is lost and counted. The loss of a peer is an [Event], never an error of Recv.
//
// A PUB keeps at most 65,536 subscriptions of a peer, of up to 4 KiB each and 4 MiB together; a peer with more loses its connection.
//
// # Peers of this package
//
// They recognise each other by the property X-Fanfare of their READY. Between them heartbeats are on by default, a
// subscription is confirmed by the answer to a PING that follows it, and [Pub.Shutdown] knows that everything arrived.
package socket
