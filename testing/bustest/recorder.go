package bustest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// Recorder is a subscription that remembers what it gets. All methods may be called concurrently; those that can fail the test only
// from its own goroutine.
//
// Wait, All and Last look at everything that was recorded. Expect, ExpectExactly and ExpectNone go through it: each begins after the last event
// that the one before it has expected.
type Recorder[T any] struct {
	t     testing.TB
	bus   *bus.Bus
	name  string // of the subscription
	sub   *subscriber.Subscription
	began time.Time

	mu      sync.Mutex
	events  []Seen[T]
	bad     []error // why events were not recorded
	passed  int     // how many of the events Expect and the others have left behind
	changed change.Signal
}

// Record subscribes to what sel selects, until the test ends. Events published on b from now on are recorded. For publishers in other
// processes, see the subscription's Ready. Nothing is dropped for it: when it has no room, publishers wait.
func Record[T any](t testing.TB, b *bus.Bus, sel topic.Selector[T]) *Recorder[T] {
	t.Helper()
	r := &Recorder[T]{t: t, bus: b, name: "recorder of " + sel.String(), began: time.Now()}
	sub, err := subscriber.New(b, sel, r.record, &subscriber.Options{
		Name: r.name, Overflow: bus.Block, Middleware: []bus.Middleware{bus.Wrap("recorder", r.refused)},
	})
	if err != nil {
		t.Fatalf("subscribing to %q: %v", sel, err)
	}
	r.sub = sub
	if !endsWith(t, b) {
		t.Cleanup(r.close)
	}
	return r
}

// endsWith reports whether the bus is shut down at the end of that very test, which handles all that waits.
func endsWith(t testing.TB, b *bus.Bus) bool {
	allowed, release := allowanceOf(b, func() any { return (*allowance)(nil) })
	defer release()
	return allowed != nil && reflect.TypeOf(t).Comparable() && allowed.t == t
}

// close ends the subscription, on a bus that goes on.
func (r *Recorder[T]) close() {
	r.t.Helper()
	r.drain()                                                               // what waits would count as undelivered
	if err := r.sub.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // the bus may have ended before
		r.t.Errorf("closing the %s: %v", r.name, err)
	}
}

// record is the handler.
func (r *Recorder[T]) record(_ context.Context, e topic.Event[T]) error {
	r.note(func() { r.events = append(r.events, Seen[T]{e, time.Since(r.began)}) })
	return nil
}

// refused remembers what did not get to the handler, because it cannot be decoded.
func (r *Recorder[T]) refused(next bus.Handler) bus.Handler {
	return func(ctx context.Context, m *bus.Message) error {
		err := next(ctx, m)
		if err != nil {
			r.note(func() { r.bad = append(r.bad, err) })
		}
		return err
	}
}

// note changes what has been recorded, and tells who waits.
func (r *Recorder[T]) note(change func()) {
	r.mu.Lock()
	change()
	r.mu.Unlock()
	r.changed.Tell()
}

// Wait returns the first n events as soon as they are there. It fails the test, with what did come, when they are not within 10 s.
func (r *Recorder[T]) Wait(n int) []topic.Event[T] {
	r.t.Helper()
	if n < 0 {
		r.t.Fatalf("Wait for %d events, the number is 0 or more", n)
	}
	if !r.await(func(events []Seen[T]) bool { return len(events) >= n }) {
		r.t.Fatalf("%d of %s came %s%s", len(r.All()), count(n, "event"), r.limit(), r.came())
	}
	return r.All()[:n]
}

// All returns what has been recorded so far.
func (r *Recorder[T]) All() []topic.Event[T] {
	seen := r.Seen()
	events := make([]topic.Event[T], len(seen))
	for i, s := range seen {
		events[i] = s.Event
	}
	return events
}

// Seen returns what has been recorded so far, with the times.
func (r *Recorder[T]) Seen() []Seen[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Last returns the event that was recorded last. It fails the test if there is none.
func (r *Recorder[T]) Last() topic.Event[T] {
	r.t.Helper()
	events := r.All()
	if len(events) == 0 {
		r.t.Fatalf("no event has been recorded")
	}
	return events[len(events)-1]
}

// Subscription returns the subscription, for Ready, WaitPublishers and Stats.
func (r *Recorder[T]) Subscription() *subscriber.Subscription { return r.sub }

// await waits until done says so of what has been recorded, and reports whether it did before the deadline and the end of the subscription.
// What has been recorded is only added to, so done is called without the lock: it may be the test's own function.
func (r *Recorder[T]) await(done func(events []Seen[T]) bool) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		changed, over := r.changed.Next(), change.Closed(r.sub.Done())
		r.mu.Lock()
		events := r.events
		r.mu.Unlock()
		if done(events) {
			return true
		}
		if over {
			return false
		}
		select {
		case <-changed:
		case <-r.sub.Done():
		case <-timer.C:
			return false
		}
	}
}

// limit says by when await has given up.
func (r *Recorder[T]) limit() string {
	if change.Closed(r.sub.Done()) {
		return "before the subscription ended"
	}
	return fmt.Sprintf("within %v", patience)
}

// settle waits until what has been published on the bus so far has been recorded; in a bubble, until every goroutine of it waits.
func (r *Recorder[T]) settle() {
	if !idle() {
		r.drain()
	}
}

// drain waits until what has been published on the bus so far has been recorded. It gives up after the time that helpers wait, which is when
// a handler of another subscription does not end.
func (r *Recorder[T]) drain() {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	matched := r.sub.Stats().Matched
	for {
		changed := r.changed.Next()
		r.mu.Lock()
		recorded := uint64(len(r.events) + len(r.bad))
		r.mu.Unlock()
		resting := r.bus.Roster().Idle() // tells as well of events that middleware of the bus has kept from the recorder
		s := r.sub.Stats()
		if resting == nil || max(recorded, s.Succeeded+s.Failed+s.Filtered)+s.Dropped+s.Abandoned >= matched {
			return
		}
		select {
		case <-changed:
		case <-resting:
		case <-timer.C:
			return
		}
	}
}
