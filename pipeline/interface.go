package pipeline

import "context"

// Interface is what [Producer] does for code that sends tasks. Code that takes it instead of a *Producer can be tested without workers: see
// testing/bustest.
type Interface[T any] interface {
	Send(ctx context.Context, task T, attributes ...Attribute) error
	Wait(ctx context.Context) error
}

var _ Interface[any] = (*Producer[any])(nil)
