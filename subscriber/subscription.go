package subscriber

import (
	"context"
	"fmt"
	"runtime"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/topic"
)

// Subscription is a function that gets the events of some topics. All methods may be called concurrently, and from the function.
type Subscription struct {
	bus    *bus.Bus
	sink   bus.Sink
	member *lane.Member
	plan   bus.Explanation
	own    []bus.Middleware
}

// New calls handler for every event that sel selects, until the subscription or the bus is closed. It has begun when New
// returns: what is published on the same bus afterwards is delivered. For publishers in other processes see
// [Subscription.Ready].
//
// The error of a handler is logged and counted, and nothing else: see package middleware for what to do about it. The handler's
// context ends when the subscription or the bus is closed; a Publish in the handler should use it.
//
// nil options mean the defaults. New returns a [*bus.OptionError] for options outside their limits, a [*bus.OrderError] for
// middleware in an order that cannot work, [bus.ErrClosed] when the bus is closed, and what the transport has against the selector.
func New[T any](b *bus.Bus, sel topic.Selector[T], handler func(ctx context.Context, e topic.Event[T]) error, o *Options) (*Subscription, error) {
	if handler == nil {
		return nil, &bus.OptionError{Field: "subscriber.New handler", Value: nil, Limit: "a function"}
	}
	return subscribe(b, sel, o, callSite(), func(s *sink[T]) { s.handler = handler })
}

// subscribe makes a subscription of any kind.
func subscribe[T any](b *bus.Bus, sel topic.Selector[T], o *Options, site uintptr, kind func(*sink[T])) (*Subscription, error) {
	if !usable(sel) {
		return nil, &bus.OptionError{Field: "subscriber.New selector", Value: fmt.Sprint(sel), Limit: "one made by package topic, with a codec"}
	}
	options, err := o.withDefaults(b, sel.String())
	if err != nil {
		return nil, err
	}
	s, err := newSink(b, sel, &options, site, kind)
	if err != nil {
		return nil, err
	}
	if err := b.Attach(s); err != nil {
		s.Close()
		return nil, err
	}
	s.begun()
	plan, own := options.explain(b, sel.String(), s.batches)
	return &Subscription{b, s, s.Member(), plan, own}, nil
}

// callSite returns where the exported function was called that calls the one that calls it.
func callSite() uintptr {
	var pc [1]uintptr
	runtime.Callers(3, pc[:])
	return pc[0]
}

// usable reports whether sel is something that package topic made: of its types only a prefix may be empty.
func usable[T any](sel topic.Selector[T]) bool {
	if sel == nil || sel.Codec() == nil {
		return false
	}
	_, prefix := sel.(topic.Prefix[T])
	return prefix || sel.String() != ""
}

// Ready waits until the subscription is in force at every publisher that this process connects to: each endpoint dialled has
// completed its handshake, our own peers have confirmed the subscription, to plain ones it has been sent. Without a transport it
// returns at once. When ctx ends first, the error is a [*bus.NotReadyError] that lists what is missing; after the end of the
// bus it is [bus.ErrClosed].
func (s *Subscription) Ready(ctx context.Context) error { return s.bus.Ready(ctx) }

// WaitPublishers waits until n publishers can reach the subscription: publishers of the same bus on topics it selects, and
// connected peers that have the subscription. It is for the side that binds, which cannot know who will connect. Its errors are
// those of Ready.
func (s *Subscription) WaitPublishers(ctx context.Context, n int) error {
	return s.bus.WaitPublishers(ctx, s.sink, n)
}

// Close ends the subscription: no further event is handled, what waits is counted as abandoned, and the handlers' context ends. It
// is idempotent and does not wait for handlers that run, so they may call it; Done is closed after them. The error is the
// transport's.
func (s *Subscription) Close() error {
	s.sink.Close()
	return s.bus.Detach(s.sink)
}

// Done is closed when the subscription has ended and the last handler has returned.
func (s *Subscription) Done() <-chan struct{} { return s.member.Done() }

// Err returns nil until Done is closed, then [bus.ErrClosed].
func (s *Subscription) Err() error {
	select {
	case <-s.member.Done():
		return bus.ErrClosed
	default:
		return nil
	}
}

// Stats are the counters of a subscription, all read at one moment:
// Matched = Queued + Running + Succeeded + Failed + Filtered + Dropped + Abandoned.
//
// Events that wait for a group, or were dropped while they did, count with the member that has been in it longest; one that
// another member takes moves to the counters of that.
type Stats struct {
	Matched   uint64 // events that were for the subscription
	Queued    uint64 // waiting now
	Running   uint64 // in handlers now
	Succeeded uint64 // handlers returned nil
	Failed    uint64 // handlers returned an error, panicked or ended their goroutine, or the payload did not decode
	Filtered  uint64 // handlers returned bus.ErrFiltered
	Dropped   uint64 // by the overflow policy
	Abandoned uint64 // waiting when the subscription was closed
}

// Stats reads the counters.
func (s *Subscription) Stats() Stats { return Stats(s.member.Totals()) }
