package bustest

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// Recorder is a subscription that remembers what it gets. All methods may be called concurrently; those that can fail the test only
// from its own goroutine.
type Recorder[T any] struct {
	t   testing.TB
	sub *subscriber.Subscription

	mu      sync.Mutex
	events  []topic.Event[T]
	changed chan struct{}
}

// Record subscribes to what sel selects, until the test ends. Events published on b from now on are recorded. For publishers in other
// processes, see the subscription's Ready.
func Record[T any](t testing.TB, b *bus.Bus, sel topic.Selector[T]) *Recorder[T] {
	t.Helper()
	r := &Recorder[T]{t: t, changed: make(chan struct{})}
	sub, err := subscriber.New(b, sel, r.record, &subscriber.Options{Name: "recorder of " + sel.String()})
	if err != nil {
		t.Fatalf("subscribing to %q: %v", sel, err)
	}
	r.sub = sub
	t.Cleanup(func() {
		if err := sub.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // the bus may have ended before
			t.Errorf("closing the recorder of %q: %v", sel, err)
		}
	})
	return r
}

func (r *Recorder[T]) record(_ context.Context, e topic.Event[T]) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

// Wait returns the first n events as soon as they are there. It fails the test, with what did come, when they are not within 10 s.
func (r *Recorder[T]) Wait(n int) []topic.Event[T] {
	r.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		events, changed := r.state()
		if len(events) >= n {
			return events[:n]
		}
		select {
		case <-changed:
		case <-timer.C:
			r.t.Fatalf("%d of %d events after %v: %v", len(events), n, patience, events)
			return events
		}
	}
}

// All returns what has been recorded so far.
func (r *Recorder[T]) All() []topic.Event[T] {
	events, _ := r.state()
	return events
}

// Subscription returns the subscription, for Ready, WaitPublishers and Stats.
func (r *Recorder[T]) Subscription() *subscriber.Subscription { return r.sub }

func (r *Recorder[T]) state() (events []topic.Event[T], changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events), r.changed
}
