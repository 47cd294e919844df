package bustest

import (
	"context"
	"testing"

	"github.com/fanfare-go/fanfare/topic"
)

// Subscriber is a fake handler of events: it does with each what its script says, and remembers what it saw. All methods may be called
// concurrently; those that can fail the test only from its own goroutine.
type Subscriber[T any] struct{ *double[T] }

// NewSubscriber returns a fake whose Handle is for subscriber.New, or for any code that calls a handler. Without a script every event succeeds;
// see [Behavior]. When the test ends, what is still blocked goes on, and behaviours that were not used fail the test.
func NewSubscriber[T any](t testing.TB, script ...Behavior) *Subscriber[T] {
	t.Helper()
	return &Subscriber[T]{newDouble[T](t, "a fake subscriber", script)}
}

// Handle is the handler. Its error is that of the script, or of ctx. An event that comes again is another attempt, also when it comes by
// another subscription.
func (s *Subscriber[T]) Handle(ctx context.Context, e topic.Event[T]) error {
	return s.call(ctx, &s.script, Attempt[T]{}, &e, nil)
}

// Wait waits until n calls of Handle have ended, and returns all that have, in the order in which they began. It fails the test, with what was
// seen, when they have not within 10 s. In a bubble of testing/synctest that is virtual time: sleep first for what takes longer there.
func (s *Subscriber[T]) Wait(n int) []Attempt[T] {
	s.t.Helper()
	return s.await(n, "calls have ended", Attempt[T].ended)
}
