package cloudevents_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

// order is what most events of these tests carry.
type order struct {
	Item  string `json:"item"`
	Count int    `json:"count"`
}

var orders = topic.New[order]("orders.created")

// headers are those of an event.
type headers map[string]string

// with returns a copy with others.
func (h headers) with(others headers) headers {
	c := maps.Clone(h)
	maps.Copy(c, others)
	return c
}

// String lists them in order.
func (h headers) String() string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		lines = append(lines, name+"="+h[name])
	}
	return strings.Join(lines, "\n")
}

// seen is what a middleware saw of an event.
type seen struct {
	id      string
	headers headers
	payload string
}

// look returns what is to be seen of m.
func look(m *bus.Message) (s seen, err error) {
	payload, err := m.Payload()
	return seen{m.ID(), maps.Collect(m.Headers()), string(payload)}, err
}

// watch returns middleware that notes what it sees.
func watch(into *[]seen) bus.Middleware {
	return bus.Wrap("watch", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			s, err := look(m)
			*into = append(*into, s)
			if err != nil {
				return err
			}
			return next(ctx, m)
		}
	})
}

// publish publishes one value on b, through the given middleware.
func publish[T any](t testing.TB, b *bus.Bus, on topic.Topic[T], value T, chain []bus.Middleware, attributes ...publisher.Attribute) error {
	t.Helper()
	pub, err := publisher.New(b, on, &publisher.Options{Middleware: chain})
	if err != nil {
		t.Fatal(err)
	}
	return pub.Publish(t.Context(), value, attributes...)
}

// send publishes one value, and returns what Send makes of it.
func send[T any](t testing.TB, o *cloudevents.SendOptions, on topic.Topic[T], value T, attributes ...publisher.Attribute) (seen, error) {
	t.Helper()
	var all []seen
	err := publish(t, bustest.New(t, &bus.Options{Name: "billing"}), on, value, []bus.Middleware{cloudevents.Send(o), watch(&all)}, attributes...)
	if len(all) != 1 {
		return seen{}, err
	}
	return all[0], err
}

// receive takes an event from elsewhere through Receive. An event of a plain peer has no headers.
func receive(t testing.TB, o *cloudevents.ReceiveOptions, given headers, payload string) (got seen, err error) {
	t.Helper()
	return receiveThrough(t, []bus.Middleware{cloudevents.Receive(o)}, given, payload)
}

// receiveThrough is receive with another chain.
func receiveThrough(t testing.TB, chain []bus.Middleware, given headers, payload string) (got seen, err error) {
	t.Helper()
	meta := envelope.Meta{Origin: &envelope.Origin{Topic: orders.String(), Remote: true}}
	if given != nil {
		meta.Origin.Source, meta.Seq = uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff"), 7
	}
	var text []byte
	for _, name := range slices.Sorted(maps.Keys(given)) {
		text = envelope.AppendProperty(text, name, given[name])
	}
	meta.Text = string(text)
	meta.SetEncoded([][]byte{[]byte(payload)})
	m := bus.NewMessage(&bus.Party{Role: bus.RoleSubscriber, Name: orders.String()}, codec.JSON)
	e := topic.FromMeta(order{}, meta)
	m.Reset(e.Meta(), &e, &e.Value)
	passed := fmt.Errorf("nothing came through")
	err = bus.Chain(func(_ context.Context, m *bus.Message) error {
		got, passed = look(m)
		return nil
	}, chain...)(t.Context(), m)
	if err == nil {
		err = passed
	}
	return got, err
}

// check compares.
func check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}
