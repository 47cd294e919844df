// Package socket provides ZeroMQ's sockets in pure Go, usable on their own: PUB, SUB, XPUB, XSUB, PUSH, PULL, REQ, REP, DEALER, ROUTER and PAIR.
// They speak ZMTP 3 over tcp and ipc with any ZeroMQ peer, and inproc with each other.
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
//	inproc://name       within the process; who comes first does not matter
//
// # Queues and losses
//
// Each peer has a queue in each direction, of 1000 messages unless [Options] say otherwise. A full one means:
//
//	PUSH DEALER REQ PAIR   Send takes another peer, and waits when none has room
//	PUB XPUB XSUB ROUTER   the message is dropped for that peer and counted; Options.NoDrop and Options.Mandatory make it an error
//	receiving sockets      nothing more is read from the peer until there is room: nothing is lost
//
// The loss of a peer is an [Event], never an error of Recv, but for REQ ([ErrPeerLost]). The side that dialled connects again. Whole messages
// that were received are still delivered; what was queued for the peer and not yet written goes to other peers, or waits for one
// (PUSH, DEALER, REQ, PAIR), or is dropped and counted. What the system had taken over for a peer that is gone is lost, as in ZeroMQ everywhere.
//
// A message is sent and received whole, all its frames or none. Close drops and counts what is queued, over inproc excepted; Shutdown flushes.
//
// A PUB or XPUB keeps at most 65,536 subscriptions of a peer, of up to 4 KiB each and 4 MiB together; a peer with more loses its connection.
//
// # Memory
//
// Send copies what it is given, SendOwned does not copy frames of 16 KiB and more. Recv, RecvContext and RecvBatch give messages away for good.
// RecvInto lends them until the next call: the memory is used again, receiving makes no garbage, and a loop that looks at each message and goes
// on is about twice as fast.
//
// # Peers of this package
//
// They recognise each other by the property X-Fanfare of their READY. Between them heartbeats are on by default, a
// subscription is confirmed by the answer to a PING that follows it, and Shutdown knows that everything arrived. A SUB or XSUB that ends with
// Shutdown, and not with Close, unsubscribes first, so that a publisher that ends at the same time does not take it for lost. Whoever
// subscribes gets the last messages that a PUB or XPUB keeps for that ([Pub.SendRetained]).
package socket
