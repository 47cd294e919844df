// Package fanfare is the front page of a typed event bus. It holds no code: the packages below it are imported one by one.
//
// A topic has a name and a Go type. Whoever publishes to it and whoever subscribes to it name the same topic, so the compiler
// checks that they mean the same events:
//
//	var Orders = topic.New[Order]("orders.created")
//
//	b, err := bus.New(nil)
//	…
//	sub, err := subscriber.New(b, Orders, func(ctx context.Context, e topic.Event[Order]) error {
//		return bill(ctx, e.Value)
//	}, nil)
//	…
//	pub, err := publisher.New(b, Orders, nil)
//	…
//	err = pub.Publish(ctx, Order{Customer: "ada"})
//
// That bus lives in one process, where an event passes from publisher to handler without being encoded. Given a transport, the
// same program shares its events with other processes. The transport in transport/zmq needs no broker and speaks ZMTP, the
// protocol of ZeroMQ, so programs in any language that has a ZeroMQ library can take part.
//
// Events follow the pattern publish-subscribe: every matching subscription gets every one. What happens when a subscriber is slower than its
// publishers is a choice of the subscription, and whatever is lost is reported. The same bus carries requests and their replies, and tasks that
// one of several workers does.
//
// # Where to look
//
//   - topic: names and types of events, by exact name, by prefix or by pattern.
//   - bus: the bus itself. Its documentation is the delivery contract: order, overflow, errors, shutdown.
//   - publisher, subscriber: what programs use most.
//   - request: questions and answers, with time limits, further attempts and other servers.
//   - pipeline: tasks, each done by one of several workers and acknowledged.
//   - middleware: what wraps what is sent or a handler, such as logging.
//   - codec: how values become bytes. JSON unless a topic says otherwise.
//   - transport: the contract of a transport, for those who write one. transport/zmq is the one over ZeroMQ,
//     transport/memory the one inside a process.
//   - socket: ZeroMQ sockets in pure Go, which are useful without a bus too.
//   - testing/bustest: a bus for tests, with recorders. testing/codectest: checks for a codec of your own.
//
// # Conventions
//
// Options are pointers to structs: nil is allowed, zero values are the defaults, and the struct is copied. A context comes first
// on every call that can block. Close may be called again, waits for what it ends, and makes every later call return an error
// that is the package's ErrClosed. Values are safe for concurrent use where their documentation does not say otherwise.
package fanfare
