// Package publisher publishes typed events.
//
//	pub, err := publisher.New(b, Orders, nil)
//	err = pub.Publish(ctx, Order{ID: 42})
//
// An event reaches the subscriptions of the same bus without being encoded. It is encoded once, with the topic's codec, when the
// bus has a transport or a subscription takes the topic as another Go type. How events are delivered is the contract in package
// bus.
package publisher
