package publisher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

// invoice is what these tests publish. Its fields are in the order in which JSON has them when it is decoded as a map.
type invoice struct {
	Cents    int
	Customer string
}

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

func (w *wiretap) Shutdown(context.Context) error { return w.Close() }
func (w *wiretap) Subscribe(string) error         { return nil }
func (w *wiretap) Unsubscribe(string) error       { return nil }
func (w *wiretap) Changed() <-chan struct{}       { return nil }
func (w *wiretap) Pending() []string              { return nil }
func (w *wiretap) Publishers() int                { return 0 }
func (w *wiretap) Subscribers(string) int         { return 0 }
func (w *wiretap) Events() <-chan transport.Event { return w.events }
func (w *wiretap) Stats() (none transport.Stats)  { return none }

func (w *wiretap) messages() []transport.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.published)
}

// observers get the events of one topic in the three ways there are. That all see the same is what most tests here are about.
type observers struct {
	bus   *bus.Bus
	typed *bustest.Recorder[invoice] // the type that is published
	other *bustest.Recorder[any]     // another Go type: events are encoded and decoded
	tap   *wiretap
}

// observe makes a bus with observers of the topic with that name.
func observe(t *testing.T, name string, publish ...bus.Middleware) *observers {
	t.Helper()
	tap := newWiretap()
	b := bustest.New(t, &bus.Options{Transport: tap, Publish: publish})
	return &observers{b, bustest.Record(t, b, topic.New[invoice](name)), bustest.Record(t, b, topic.New[any](name)), tap}
}

// expect checks what every observer has got until now. The test runs in a bubble.
func (o *observers) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	seen := map[string][]string{}
	for _, e := range o.typed.All() {
		seen["the same type"] = append(seen["the same type"], describe(e))
	}
	for _, e := range o.other.All() {
		seen["another type"] = append(seen["another type"], describe(e))
	}
	for _, m := range o.tap.messages() {
		seen["the wire"] = append(seen["the wire"], describe(parse(t, m)))
	}
	for _, where := range []string{"the same type", "another type", "the wire"} {
		if !slices.Equal(seen[where], want) {
			t.Errorf("%s:\ngot  %.200q\nwant %.200q", where, seen[where], want)
		}
	}
}

// describe shows what an event is made of: its number, what its publisher said about it, and its value as JSON. An ID is shown when
// it is not the one made of source, topic and number, and the content type has a test of its own.
func describe[T any](e topic.Event[T]) string {
	value, err := json.Marshal(e.Value)
	if err != nil {
		return err.Error()
	}
	parts := []string{fmt.Sprintf("#%d", e.Seq())}
	if derived := uuid.NewSHA1(e.Source(), fmt.Appendf(nil, "%s\x00%d", e.Topic(), e.Seq())).String(); e.ID() != derived {
		parts = append(parts, "id="+e.ID())
	}
	if e.Key() != "" {
		parts = append(parts, "key="+e.Key())
	}
	for name, value := range e.Headers() {
		if name != "content-type" {
			parts = append(parts, name+"="+value)
		}
	}
	return strings.Join(append(parts, string(value)), " ")
}

// parse returns the event in a message on the wire.
func parse(t *testing.T, m transport.Message) topic.Event[json.RawMessage] {
	t.Helper()
	h, err := envelope.Parse(m.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	origin := &envelope.Origin{Topic: m.Topic, Source: h.Source}
	return topic.FromMeta(json.RawMessage(bytes.Join(m.Payload, nil)), envelope.Meta{Origin: origin, Seq: h.Seq, Time: h.Time, Text: h.Properties})
}
