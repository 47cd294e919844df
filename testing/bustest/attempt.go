package bustest

import (
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/topic"
)

// Attempt is what a fake remembers of one call.
type Attempt[T any] struct {
	// Event is the event that was handled or published; the task, as an event whose topic is the name of the task; or the request, as an event
	// whose topic is the name of the call. It has its number once it was published or sent.
	Event topic.Event[T]
	// Number is which attempt at the event it was, from 1; of a task that a worker has got, by the pipeline's own count.
	Number int
	Begin  time.Time
	End    time.Time // zero while it is running
	Err    error     // what the call has returned
	Panic  any       // what it has panicked with, nil if it has not

	kind kind
}

// kind is which method of a fake was called.
type kind uint8

const (
	callHandled kind = iota
	callSent         // or published
	callWaited       // for tasks
)

// Running reports whether it had not ended when it was looked at.
func (a Attempt[T]) Running() bool { return a.End.IsZero() }

// String returns a line for logs: the event, the number of the attempt, and how it ended.
func (a Attempt[T]) String() string {
	what := fmt.Sprintf("%v, attempt %d", a.Event, a.Number)
	if a.kind == callWaited {
		what = "Wait"
	}
	took := a.End.Sub(a.Begin).Round(time.Microsecond)
	switch {
	case a.Running():
		return what + ": is running"
	case a.Panic != nil:
		return fmt.Sprintf("%s: panicked in %v: %v", what, took, a.Panic)
	case a.Err != nil:
		return fmt.Sprintf("%s: failed in %v: %v", what, took, a.Err)
	}
	return fmt.Sprintf("%s: succeeded in %v", what, took)
}

// call reports whether it is one that Seen tells of.
func (a Attempt[T]) call() bool { return a.kind != callWaited }

func (a Attempt[T]) ended() bool { return a.call() && !a.Running() }

// sent reports whether it has sent or published its event.
func (a Attempt[T]) sent() bool {
	return a.kind == callSent && !a.Running() && a.Err == nil && a.Panic == nil
}
