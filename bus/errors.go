package bus

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fanfare-go/fanfare/internal/lane"
)

var (
	// ErrClosed is returned by everything that is used after Close or Shutdown.
	ErrClosed = errors.New("bus: closed")
	// ErrFull is matched by errors that say that a queue has no room and that waiting is not the answer.
	ErrFull = errors.New("bus: queue full")
	// ErrFiltered is what a handler, or a middleware around it, returns for an event that it does not want: it counts as filtered,
	// neither as succeeded nor as failed, and is not logged.
	ErrFiltered = errors.New("bus: event not wanted")
	// ErrInHandler is returned by Shutdown when it is called with a handler's context: it has begun, but cannot be waited for
	// there.
	ErrInHandler = errors.New("bus: shutdown begun from a handler, which cannot wait for it")
)

// CycleError is returned by a Publish from a handler when waiting for room would never end. It matches [ErrFull].
type CycleError struct {
	Topic string // what was published to
	cycle *lane.CycleError
}

// Subscriptions names the subscriptions that wait for each other. The first is the full one. The last is the one whose handler published,
// unless that is the full one.
func (e *CycleError) Subscriptions() []string { return e.cycle.Names }

// Error names the topic and the subscriptions.
func (e *CycleError) Error() string { return fmt.Sprintf("bus: publish to %q: %v", e.Topic, e.cycle) }

// Is reports that a CycleError is ErrFull.
func (e *CycleError) Is(target error) bool { return target == ErrFull }

// FullError is returned by a Publish that found no room in a subscription with the policy [Fail], or waited in one with the policy [Block]
// for as long as that lets it. It has delivered to nobody. It matches [ErrFull].
type FullError struct {
	Topic        string // what was published to
	Subscription string
	Waited       time.Duration // 0 under Fail
}

// Error names the topic and the subscription.
func (e *FullError) Error() string {
	if e.Waited == 0 {
		return fmt.Sprintf("bus: publish to %q: no room in %s", e.Topic, e.Subscription)
	}
	return fmt.Sprintf("bus: publish to %q: no room in %s for %v", e.Topic, e.Subscription, e.Waited)
}

// Is reports that a FullError is ErrFull.
func (e *FullError) Is(target error) bool { return target == ErrFull }

// InlineError is what an inline subscription's handler returned, as Publish returns it: the event was delivered, to all other
// subscriptions as well. Publish joins those of several subscriptions.
type InlineError struct {
	Topic        string
	Subscription string
	Err          error // the handler's
}

// Error names the topic and the subscription.
func (e *InlineError) Error() string {
	return fmt.Sprintf("bus: event on %q in inline subscription %s: %v", e.Topic, e.Subscription, e.Err)
}

// Unwrap returns the handler's error.
func (e *InlineError) Unwrap() error { return e.Err }

// BatchError is what the handler of a batch returns when some of its events failed and the others did not. After any other error all of
// them have failed.
type BatchError struct {
	// Failed has why each event failed, by its index in the batch.
	Failed map[int]error
}

// Error gives the number of failed events, and the first of them.
func (e *BatchError) Error() string {
	if len(e.Failed) == 0 {
		return "bus: no event of the batch failed"
	}
	first := slices.Min(slices.Collect(maps.Keys(e.Failed)))
	return fmt.Sprintf("bus: %d events of the batch failed, the first at index %d: %v", len(e.Failed), first, e.Failed[first])
}

// Unwrap returns the errors of the events, in order.
func (e *BatchError) Unwrap() []error {
	all := make([]error, 0, len(e.Failed))
	for _, i := range slices.Sorted(maps.Keys(e.Failed)) {
		all = append(all, e.Failed[i])
	}
	return all
}

// RecursionError is returned by a Publish from an inline handler when more than 64 inline handlers have called each other by publishing.
// It has delivered to nobody.
type RecursionError struct {
	Topic string // what was published to
}

// Error names the topic and the limit.
func (e *RecursionError) Error() string {
	return fmt.Sprintf("bus: publish to %q: more than %d inline handlers publish from within each other", e.Topic, maxDepth)
}

// UnsupportedError says that the transport of a bus cannot do what an option asks for.
type UnsupportedError struct {
	Feature string // the option
	Reason  string
}

// Error names the option and the reason.
func (e *UnsupportedError) Error() string { return fmt.Sprintf("bus: %s: %s", e.Feature, e.Reason) }

// PanicError is what a panic in a handler, or in middleware around it, becomes. A panic in publish middleware reaches the caller of
// Publish, unless middleware.Recover stands before it.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // of the goroutine, as runtime/debug.Stack formats it
}

// Error gives the value. The stack is not part of it.
func (e *PanicError) Error() string { return fmt.Sprintf("bus: panic in handler: %v", e.Value) }

// Unwrap returns the value when that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// DecodeError says that the payload of an event does not decode as the type that a subscription takes.
type DecodeError struct {
	Topic       string
	Source      string // the bus that published it, "" for plain peers
	Seq         uint64
	ContentType string // that of the codec that was to decode it, the subscription's or one of its
	Type        string // the Go type
	Offset      int64  // of the byte in the payload where it goes wrong, -1 when the codec does not say
	Err         error  // the codec's, or a [*codec.ContentTypeError]
}

// Error names the event, the codec, the type, and the offset if that is known.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("bus: event %q#%d does not decode from %s as %s: %v", e.Topic, e.Seq, e.ContentType, e.Type, e.Err)
}

// Unwrap returns the codec's error.
func (e *DecodeError) Unwrap() error { return e.Err }

// EnvelopeError says why a received message that has an envelope cannot be read. The message is counted and logged, nothing
// else happens.
type EnvelopeError struct {
	Topic string
	Err   error
}

// Error names the topic and what is wrong.
func (e *EnvelopeError) Error() string { return fmt.Sprintf("bus: message on %q: %v", e.Topic, e.Err) }

// Unwrap returns what is wrong.
func (e *EnvelopeError) Unwrap() error { return e.Err }

// OptionError says that a field of an options struct has a value outside its limits.
type OptionError struct {
	Field string // such as "subscriber.Options.Queue"
	Value any
	Limit string // such as "0 to 16777216"
}

// Error names the field, the value and the limit.
func (e *OptionError) Error() string {
	format := "%s is %v, it must be %s"
	if _, ok := e.Value.(string); ok {
		format = "%s is %q, it must be %s"
	}
	return fmt.Sprintf(format, e.Field, e.Value, e.Limit)
}

// NotReadyError says what was still missing when the context of a wait ended.
type NotReadyError struct {
	Missing []string
	Err     error // the context's
}

// Error lists what is missing.
func (e *NotReadyError) Error() string {
	return fmt.Sprintf("bus: not ready: %s: %v", strings.Join(e.Missing, "; "), e.Err)
}

// Unwrap returns the context's error.
func (e *NotReadyError) Unwrap() error { return e.Err }

// DrainError says what Shutdown could not do before its context ended.
type DrainError struct {
	// Subscriptions are those that still had events queued, which were abandoned, or handlers running.
	Subscriptions []UndrainedSubscription
	// Transport is the transport's error, which names the peers that were not flushed; nil if it was done.
	Transport error
	// Err is the context's error, ErrClosed when Close ended the shutdown, or nil when the transport failed before.
	Err error
}

// UndrainedSubscription is a subscription that was not done at the end of Shutdown: Queued events no handler began, and Running handlers
// that had not returned.
type UndrainedSubscription struct {
	Name            string
	Queued, Running uint64
}

// Error lists what was not done.
func (e *DrainError) Error() string {
	var parts []string
	for _, s := range e.Subscriptions {
		parts = append(parts, fmt.Sprintf("%s: %d queued, %d running", s.Name, s.Queued, s.Running))
	}
	if e.Transport != nil {
		parts = append(parts, e.Transport.Error())
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return "bus: shutdown incomplete: " + strings.Join(parts, "; ")
}

// Unwrap returns the context's and the transport's error.
func (e *DrainError) Unwrap() []error {
	return slices.DeleteFunc([]error{e.Err, e.Transport}, func(err error) bool { return err == nil })
}
