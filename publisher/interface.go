package publisher

import "context"

// Interface is what [Publisher] does for code that publishes. Code that asks for it instead of a *Publisher can be tested without a bus: see
// testing/bustest.
type Interface[T any] interface {
	Publish(ctx context.Context, value T, attributes ...Attribute) error
	PublishBatch(ctx context.Context, values []T, attributes ...Attribute) (n int, err error)
}

var _ Interface[any] = (*Publisher[any])(nil)
