package bustest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
)

// Publisher is a fake publisher: it remembers what code under test publishes, and fails when its script says so. Inside is a true publisher on a
// bus of its own, so keys, headers, IDs and numbers are the true ones, and what a true one refuses it refuses as well. All methods may be called
// concurrently; those that can fail the test only from its own goroutine.
type Publisher[T any] struct {
	*double[T]
	publisher *publisher.Publisher[T]
}

var _ publisher.Interface[any] = (*Publisher[any])(nil)

// NewPublisher returns a fake for code that takes a [publisher.Interface]. Without a script everything is published; see [Behavior]. An event
// that the script has fail is not published. What is refused before, for its attributes, does not count as a call.
func NewPublisher[T any](t testing.TB, to topic.Topic[T], script ...Behavior) *Publisher[T] {
	t.Helper()
	b := New(t)
	p := &Publisher[T]{double: newDouble[T](t, fmt.Sprintf("the fake publisher of %q", to), script)}
	var err error
	if p.publisher, err = publisher.New(b, to, &publisher.Options{Middleware: []bus.Middleware{bus.Wrap("script", p.follow)}}); err != nil {
		t.Fatalf("a publisher of %q: %v", to, err)
	}
	return p
}

// follow is the script around a Publish.
func (p *Publisher[T]) follow(next bus.Handler) bus.Handler {
	return func(ctx context.Context, m *bus.Message) error {
		e := m.Event().(*topic.Event[T])
		return p.call(ctx, &p.script, Attempt[T]{kind: callSent}, e, func() error { return next(ctx, m) })
	}
}

// Publish is that of [publisher.Publisher], or what the script says.
func (p *Publisher[T]) Publish(ctx context.Context, v T, attributes ...publisher.Attribute) error {
	return p.publisher.Publish(ctx, v, attributes...)
}

// PublishBatch is that of [publisher.Publisher]. Each value is an event for the script.
func (p *Publisher[T]) PublishBatch(ctx context.Context, values []T, attributes ...publisher.Attribute) (n int, err error) {
	return p.publisher.PublishBatch(ctx, values, attributes...)
}

// Published returns what was published so far, in order. The slice is the caller's.
func (p *Publisher[T]) Published() []topic.Event[T] {
	published := p.those(Attempt[T].sent)
	return inOrder(published)
}

// Wait waits until n events were published, and returns all that were, in order. It fails the test, with what was seen, when they were not within
// 10 s, which in a bubble of testing/synctest is virtual time. It is for code that publishes in a goroutine of its own.
func (p *Publisher[T]) Wait(n int) []topic.Event[T] {
	p.t.Helper()
	return inOrder(p.await(n, "events were published", Attempt[T].sent))
}

// inOrder returns the events by their numbers: of several at the same time, one may have begun first and come later.
func inOrder[T any](attempts []Attempt[T]) []topic.Event[T] {
	events := make([]topic.Event[T], len(attempts))
	for i, a := range attempts {
		events[i] = a.Event
	}
	slices.SortStableFunc(events, func(a, b topic.Event[T]) int { return cmp.Compare(a.Seq(), b.Seq()) })
	return events
}
