package cloudevents_test

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

type Order struct {
	Item string `json:"item"`
}

// In structured mode the payload is the whole event.
func ExampleSend() {
	show := bus.Middleware{Name: "show", Phase: bus.PhaseSend, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			payload, err := m.Payload()
			if err != nil {
				return err
			}
			fmt.Println(m.Header("content-type"))
			fmt.Printf("%s\n", payload)
			return next(ctx, m)
		}
	}}
	send := cloudevents.Send(&cloudevents.SendOptions{Mode: cloudevents.Structured, Source: "https://example.com/shop"})
	b, err := bus.New(&bus.Options{Publish: []bus.Middleware{send, show}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	pub, err := publisher.New(b, topic.New[Order]("orders.created"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = pub.Publish(context.Background(), Order{"two pencils"},
		publisher.ID("42"), publisher.Header("tenant", "acme"), publisher.Header("ce-time", "2026-01-01T12:00:00Z"))
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// application/cloudevents+json
	// {"specversion":"1.0","id":"42","source":"https://example.com/shop","type":"orders.created","datacontenttype":"application/json","time":"2026-01-01T12:00:00Z","data":{"item":"two pencils"},"tenant":"acme"}
}

// A handler gets the data, and finds the attributes in the headers, whatever the mode was.
func ExampleReceive() {
	b, err := bus.New(&bus.Options{
		Publish:   []bus.Middleware{cloudevents.Send(&cloudevents.SendOptions{Mode: cloudevents.Structured, Source: "/shop"})},
		Subscribe: []bus.Middleware{cloudevents.Receive(&cloudevents.ReceiveOptions{Required: true})},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	handler := func(_ context.Context, e topic.Event[Order]) error {
		fmt.Println(e.Value.Item, "from", e.Header("ce-source"), "with ID", e.ID())
		attributes, err := cloudevents.FromHeaders(e.Headers()) // the SDK's type
		if err != nil {
			return err
		}
		fmt.Println(attributes.Type(), attributes.Extensions())
		return nil
	}
	if _, err := subscriber.New(b, topic.New[Order]("orders.created"), handler, nil); err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, topic.New[Order]("orders.created"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, Order{"two pencils"}, publisher.ID("42"), publisher.Header("tenant", "acme")); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output:
	// two pencils from /shop with ID 42
	// orders.created map[tenant:acme]
}
