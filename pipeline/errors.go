package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fanfare-go/fanfare/bus"
)

// DeadLetter returns an error for a handler to return that matches err, and has the task given to nobody again: it goes to the dead-letter
// task at once, with err as the reason. nil stays nil.
func DeadLetter(err error) error {
	if err == nil {
		return nil
	}
	return &verdict{err, -1}
}

// RetryAfter returns an error for a handler to return that matches err, and has the task given again after d instead of the worker's
// RetryDelay: at least 0, at most 49 days. nil stays nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &verdict{err, min(max(d, 0), maxDelay)}
}

// maxDelay is about the longest delay that a peer can be told.
const maxDelay = 49 * 24 * time.Hour

// verdict is an error with what is to become of the task.
type verdict struct {
	err   error
	delay time.Duration // negative: never again
}

// Error is that of the error.
func (v *verdict) Error() string { return v.err.Error() }

// Unwrap returns the error.
func (v *verdict) Unwrap() error { return v.err }

// delayAfter returns when a task is to be given again whose handler returned err at that attempt: negative: never.
func delayAfter(err error, base time.Duration, attempt int) time.Duration {
	var v *verdict
	if errors.As(err, &v) {
		return v.delay
	}
	return backOff(base, attempt)
}

// maxRetryDelay is where the delay stops doubling.
const maxRetryDelay = 30 * time.Second

// backOff doubles base with each attempt after the first.
func backOff(base time.Duration, attempt int) time.Duration {
	d := base
	for ; attempt > 1 && d < maxRetryDelay; attempt-- {
		d *= 2
	}
	return min(d, max(base, maxRetryDelay))
}

// reasonOf returns the text of err as the producer gets it: never empty, since that would say that the task was not begun.
func reasonOf(err error) string {
	reason := err.Error()
	if reason == "" {
		reason = fmt.Sprintf("%T", err)
	}
	return strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
}

// maxReason is how much of an error is told, in bytes.
const maxReason = 1024

// FullError is returned by a Send from a handler of the same task on the same bus when the producer's queue is full: it would wait for itself.
// The task was not sent. It matches [bus.ErrFull].
type FullError struct {
	Task  string
	Queue int // the producer's limit
}

// Error names the task and the limit.
func (e *FullError) Error() string {
	return fmt.Sprintf("pipeline: send %q from its own handler: %d tasks wait already", e.Task, e.Queue)
}

// Is reports that a FullError is bus.ErrFull.
func (e *FullError) Is(target error) bool { return target == bus.ErrFull }

// SizeError is returned by a Send of a task that the transport cannot carry. The task was not sent.
type SizeError struct {
	Task  string
	Size  int // with name and envelope, in bytes
	Limit int
}

// Error names the task and the limit.
func (e *SizeError) Error() string {
	return fmt.Sprintf("pipeline: task %q has %d bytes with its envelope, the limit is %d", e.Task, e.Size, e.Limit)
}

// FramesError is returned by a Send of a task whose codec makes more frames of it than the transport can carry. The task was not sent.
type FramesError struct {
	Task   string
	Frames int
	Limit  int
}

// Error names the task and the limit.
func (e *FramesError) Error() string {
	return fmt.Sprintf("pipeline: task %q has %d frames, the limit is %d", e.Task, e.Frames, e.Limit)
}

// UnfinishedError says that the context of a Wait ended before all tasks were done.
type UnfinishedError struct {
	Task string
	Left int   // tasks sent before the call that are not done
	Err  error // the context's
}

// Error gives the number of tasks.
func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("pipeline: %d tasks %q are not done: %v", e.Left, e.Task, e.Err)
}

// Unwrap returns the context's error.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// DeadLetterError is returned by a Wait when some of the tasks went to the dead-letter task. All others are done.
type DeadLetterError struct {
	Task   string
	N      int    // how many
	Reason string // why the first did
}

// Error gives the number of tasks and the first reason.
func (e *DeadLetterError) Error() string {
	return fmt.Sprintf("pipeline: %d tasks %q went to the dead-letter task, the first because: %s", e.N, e.Task, e.Reason)
}

// InUseError says that a bus has what it may have only once.
type InUseError struct {
	What string // the option, such as "pipeline.Options.Default"
	Task string // the task that has it
}

// Error names the option and the task.
func (e *InUseError) Error() string {
	return fmt.Sprintf("pipeline: %s: the bus has one already, for task %q", e.What, e.Task)
}

// CreditError is why a producer in another process loses its connection: it has sent a task without credit.
type CreditError struct {
	Task string
}

// Error names the task.
func (e *CreditError) Error() string {
	return fmt.Sprintf("pipeline: the peer has sent a task %.64q without credit", e.Task)
}

// AttributeError says why an attribute was refused.
type AttributeError struct {
	Name   string // "(all)" when ID and headers together are too long
	Reason string
}

// Error names the attribute and the reason.
func (e *AttributeError) Error() string {
	return fmt.Sprintf("pipeline: attribute %.64q: %s", e.Name, e.Reason)
}
