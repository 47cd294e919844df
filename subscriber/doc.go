// Package subscriber gives typed events to functions.
//
//	sub, err := subscriber.New(b, Orders, func(ctx context.Context, e topic.Event[Order]) error {
//		return store(ctx, e.Value)
//	}, nil)
//
// A subscription has a bounded queue of its own, and goroutines only while there are events. [Options] say what a full queue means, how many
// handlers run at once, and whether the subscription shares its events with others or is called by publishers themselves. [Batch]
// takes several events at once, [Events] is a loop. How events are delivered is the contract in package bus.
package subscriber
