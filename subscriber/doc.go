// Package subscriber gives typed events to functions.
//
//	sub, err := subscriber.New(b, Orders, func(ctx context.Context, e topic.Event[Order]) error {
//		return store(ctx, e.Value)
//	}, nil)
//
// A subscription has a bounded queue of its own, and goroutines only while there are events. How events are delivered is the
// contract in package bus.
package subscriber
