package bustest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/topic"
)

// Task is a fake of either side of a pipeline: with Send and Wait it stands in for a producer, with Handle for a worker. It does with each task
// what its script says, and remembers them. A test with both has a fake for each. All methods may be called concurrently; those that can
// fail the test only from its own goroutine.
type Task[T any] struct {
	*double[T]
	task     pipeline.Task[T]
	producer *pipeline.Producer[T]
}

var _ pipeline.Interface[any] = (*Task[any])(nil)

// NewTask returns a fake for code that takes a [pipeline.Interface], or whose worker is to be a fake one:
// pipeline.NewWorker(b, Resize, fake.Handle, nil). Without a script all succeeds; see [Behavior]. Inside is a true producer on a bus of its
// own, so what is sent has its true ID, number and headers, and what a true one refuses the fake refuses as well.
func NewTask[T any](t testing.TB, task pipeline.Task[T], script ...Behavior) *Task[T] {
	t.Helper()
	b := New(t)
	AllowUndelivered(t, b) // nobody does what is sent
	f := &Task[T]{double: newDouble[T](t, fmt.Sprintf("the fake task %q", task), script), task: task}
	var err error
	f.producer, err = pipeline.NewProducer(b, task, &pipeline.ProducerOptions{
		Queue:      1 << 24, // nobody takes them, and Send is not to wait for room
		Middleware: []bus.Middleware{bus.Wrap("script", f.follow)},
	})
	if err != nil {
		t.Fatalf("a producer of %q: %v", task, err)
	}
	return f
}

// follow is the script around a Send.
func (k *Task[T]) follow(next bus.Handler) bus.Handler {
	return func(ctx context.Context, m *bus.Message) error {
		e := m.Event().(*topic.Event[T])
		return k.call(ctx, &k.script, Attempt[T]{kind: callSent}, e, func() error { return next(ctx, m) })
	}
}

// Send is that of [pipeline.Producer], or what the script says. A task that the script has fail is not sent.
func (k *Task[T]) Send(ctx context.Context, v T, attributes ...pipeline.Attribute) error {
	return k.producer.Send(ctx, v, attributes...)
}

// Wait returns nil at once, as if workers had done all tasks, or does what OnWait says. When ctx ends while it is blocked, or takes time, the error
// is a [*pipeline.UnfinishedError], as with a true producer: nothing that was sent is done.
func (k *Task[T]) Wait(ctx context.Context) error {
	var e topic.Event[T]
	err := k.call(ctx, &k.waits, Attempt[T]{kind: callWaited}, &e, nil)
	if ended := ctx.Err(); ended != nil && errors.Is(err, ended) {
		return &pipeline.UnfinishedError{Task: k.task.String(), Left: len(k.Sent()), Err: ended}
	}
	return err
}

// OnWait gives Wait a script of its own, or appends to it: each call of Wait takes the next behaviour. With
// Fail(&pipeline.DeadLetterError{…}), say, it tells of tasks that have failed for good. WaitRunning counts blocked calls of Wait as well.
func (k *Task[T]) OnWait(script ...Behavior) {
	k.t.Helper()
	k.mu.Lock()
	k.waits.behaviors = append(k.waits.behaviors, script...)
	waits := k.waits
	k.mu.Unlock()
	if fault := waits.fault(); fault != "" {
		k.t.Fatalf("OnWait, %s", fault)
	}
}

// Handle is the handler of a fake worker. Its error is that of the script, or of ctx.
func (k *Task[T]) Handle(ctx context.Context, v T) error {
	m, a := topic.Metadata{Topic: k.task.String(), Time: time.Now()}, Attempt[T]{}
	if d, ok := pipeline.DeliveryFrom(ctx); ok {
		m = topic.Metadata{
			Topic: d.Task(), ID: d.ID(), Source: d.Source(), Seq: d.Seq(), Time: d.Time(), Headers: maps.Collect(d.Headers()),
		}
		a.Number = d.Attempt()
	}
	e := topic.NewEvent(v, m)
	return k.call(ctx, &k.script, a, &e, nil)
}

// Sent returns what was sent so far, in order, as events whose topic is the name of the task. The slice is the caller's.
func (k *Task[T]) Sent() []topic.Event[T] {
	tasks := k.those(Attempt[T].sent)
	return inOrder(tasks)
}

// WaitTasks waits until n calls of Send or Handle have ended, and returns all that have, in the order in which they began. It fails the test,
// with what was seen, when they have not within 10 s. In a bubble of testing/synctest that is virtual time: sleep first for what takes longer
// there.
func (k *Task[T]) WaitTasks(n int) []Attempt[T] {
	k.t.Helper()
	return k.await(n, "calls have ended", Attempt[T].ended)
}
