// Package zmq is the transport over ZeroMQ: it carries the events of a bus to and from other processes, through PUB and SUB
// sockets of package socket, its requests through DEALER and ROUTER, and its tasks through PUSH and PULL, without a broker.
//
//	tr, err := zmq.New(&zmq.Options{
//		Publish:   zmq.Bind("tcp://*:5555"),
//		Subscribe: zmq.Connect("tcp://stock:5555", "tcp://billing:5555"),
//	})
//	b, err := bus.New(&bus.Options{Transport: tr})
//
// Either side may bind and either may connect, to several endpoints, and in any order: what is dialled and not there is dialled
// again until it is. The forms of endpoints are in package socket.
//
// # On the wire
//
// A message is [topic, envelope, payload…], or [topic, payload…] for plain peers. Received messages are told apart by their
// content: one with three frames or more, the second of which begins like an envelope, has an envelope; any other is plain. A single
// frame is a payload without a topic, which only prefixes select.
//
// A request is sent to one of the connected servers by a DEALER that knows which one it was, and answered on the connection that it came from:
// see package request. Tasks go through PUSH and PULL sockets, with commands between peers of ours that tell who can take how many and which are done: see package
// pipeline.
//
// # Losses
//
// A peer that does not keep up loses what its queue of Options.SendHWM messages cannot take, the newest first. That is counted in
// [Transport.Stats] here, and shows at the peer as a gap in the sequence.
package zmq
