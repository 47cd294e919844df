package publisher_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
)

// invoice is what these tests publish.
type invoice struct {
	Customer string
	Cents    int
}

var errRefused = errors.New("refused")

// wiretap is a transport without peers that keeps what is published.
type wiretap struct {
	mu        sync.Mutex
	published []transport.Message
	events    chan transport.Event
	closed    sync.Once
}

func newWiretap() *wiretap { return &wiretap{events: make(chan transport.Event)} }

func (w *wiretap) Publish(m *transport.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := *m
	kept.Envelope, kept.Payload = bytes.Clone(m.Envelope), nil
	for _, part := range m.Payload {
		if !m.Owned {
			part = bytes.Clone(part)
		}
		kept.Payload = append(kept.Payload, part)
	}
	w.published = append(w.published, kept)
	return nil
}

func (w *wiretap) Receive(ctx context.Context, _ []transport.Message) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (w *wiretap) Close() error {
	w.closed.Do(func() { close(w.events) })
	return nil
}

func (w *wiretap) Shutdown(context.Context) error  { return w.Close() }
func (w *wiretap) Subscribe(string) error          { return nil }
func (w *wiretap) Unsubscribe(string) error        { return nil }
func (w *wiretap) Changed() <-chan struct{}        { return nil }
func (w *wiretap) Pending() []string               { return nil }
func (w *wiretap) Publishers() int                 { return 0 }
func (w *wiretap) Subscribers(string) int          { return 0 }
func (w *wiretap) Events() <-chan transport.Event  { return w.events }
func (w *wiretap) Stats() (none transport.Stats)   { return none }
func (w *wiretap) messages() []transport.Message   { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.published) }

// observed is an event as one of those who get it sees it.
type observed struct {
	payload string
	id, key string
	seq     uint64
	headers []string // names and values, in turn
}

func (o observed) equal(other observed) bool {
	return o.payload == other.payload && o.id == other.id && o.key == other.key && o.seq == other.seq &&
		slices.Equal(o.headers, other.headers)
}

// observers get the events of one topic in the three ways there are. That they all see the same is what most tests are about.
type observers struct {
	bus   *bus.Bus
	tap   *wiretap
	typed *bustest.Recorder[invoice] // the type that is published
	other *bustest.Recorder[any]     // another Go type, so events are encoded and decoded
}

// observe makes a bus with observers of the topic with that name.
func observe(t *testing.T, name string, options bus.Options) *observers {
	t.Helper()
	o := &observers{tap: newWiretap()}
	options.Transport = o.tap
	o.bus = bustest.New(t, &options)
	o.typed = bustest.Record(t, o.bus, topic.New[invoice](name))
	o.other = bustest.Record(t, o.bus, topic.New[any](name))
	return o
}

// see returns what each observer got, after checking that it is n events. The test is in a bubble.
func (o *observers) see(t *testing.T, n int) map[string][]observed {
	t.Helper()
	seen := map[string][]observed{}
	for _, e := range o.typed.Wait(n) {
		seen["the same type"] = append(seen["the same type"], observedEvent(t, e))
	}
	for _, e := range o.other.Wait(n) {
		seen["another type"] = append(seen["another type"], observedEvent(t, e))
	}
	for _, m := range o.tap.messages() {
		seen["the wire"] = append(seen["the wire"], observedMessage(t, m))
	}
	return seen
}
