package cloudevents

import (
	"context"
	"fmt"
	"iter"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/fanfare-go/fanfare/bus"
	"github.com/google/uuid"
)

// ReceiveOptions are what is taken for a CloudEvent.
type ReceiveOptions struct {
	// Required fails events that are no CloudEvents. Default: false, they pass as they are.
	Required bool
	// Plain takes events of plain peers, which have no headers, for structured ones. Default: false.
	Plain bool
}

// Receive makes events of the CloudEvents that arrive, of both modes. Phase: [bus.PhaseReceive], outside of all that looks at events.
//
// An event is structured when its content type is application/cloudevents+json, and binary when it has the header ce-specversion. Either
// way what is inside sees the data as the payload, its content type (application/json in structured mode where none is given), and
// every other attribute as a header "ce-…"; [FromHeaders] reads those. The extension traceparent, and all others whose names have no
// meaning of their own on the wire, become headers of that name as well, unless there are such. An event of a plain peer gets the attribute
// id as its ID; one that has an ID keeps it.
//
// What is not valid fails with an [*Error], as do batches, formats other than JSON, more than 64 attributes or 32 KiB of them, and an ID of
// more than 255 bytes. Nothing that stands inside sees that error. To have a dead letter middleware take such events, put Receive inside of it,
// with its Phase set to [bus.PhaseOutcome], and give [Send] to publishers instead of the bus, where it would refuse the dead letter as well.
//
// nil options mean the defaults. On the publish side it is refused.
func Receive(o *ReceiveOptions) bus.Middleware {
	var options ReceiveOptions
	if o != nil {
		options = *o
	}
	return bus.Middleware{Name: "cloudevents receive", Phase: bus.PhaseReceive, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if err := options.take(m); err != nil {
				return err
			}
			return next(ctx, m)
		}
	}}
}

// take makes m the event that it is as a CloudEvent.
func (o ReceiveOptions) take(m *bus.Message) error {
	if role := m.Party().Role; role.Sends() {
		return fmt.Errorf("cloudevents: Receive is for the subscribe side, and this is a %v", role)
	}
	dataContentType := m.Header(contentType)
	structured, err := isStructured(dataContentType)
	switch {
	case err != nil:
		return err
	case structured || o.Plain && isBare(m):
		return takeStructured(m)
	case m.Header(prefix+"specversion") != "":
		return takeBinary(m, dataContentType)
	case o.Required:
		return wrongly("specversion", "", "the event is no CloudEvent")
	}
	return nil
}

// isBare reports whether m is from a plain peer.
func isBare(m *bus.Message) bool {
	if m.Source() != uuid.Nil {
		return false
	}
	for range m.Headers() { // Receive has had it already
		return false
	}
	return true
}

func takeStructured(m *bus.Message) error {
	payload, err := m.Payload()
	if err != nil {
		return err
	}
	d, err := decode(payload)
	if err != nil {
		return err
	}
	for _, a := range read(m.Headers()) { // others take the value that is inside
		if _, found := d.attributes.get(a.name); !found {
			return wrongly(a.name, a.value, "it is a header beside a structured event that has no such attribute")
		}
	}
	if err := d.attributes.apply(m); err != nil {
		return err
	}
	if err := d.attributes.write(m); err != nil {
		return err
	}
	m.SetPayload(d.data)
	return m.SetHeader(contentType, d.dataContentType)
}

func takeBinary(m *bus.Message, dataContentType string) error {
	as := read(m.Headers())
	if _, err := as.check(dataContentType); err != nil {
		return err
	}
	return as.apply(m)
}

// apply gives m the ID, and the headers that are the extensions.
func (as attributes) apply(m *bus.Message) error {
	if _, err := identify(m, as); err != nil {
		return err
	}
	for _, a := range as {
		if extends(a.name) && m.Header(a.name) == "" {
			if err := m.SetHeader(a.name, a.value); err != nil {
				return wrong(a.name, a.value, err)
			}
		}
	}
	return nil
}

// FromHeaders returns the attributes of the CloudEvent that has these headers, such as those of an event that [Receive] has let through,
// as the SDK's type. It has no data. The error is an [*Error], also for headers of what is no CloudEvent.
func FromHeaders(headers iter.Seq2[string, string]) (event.Event, error) {
	dataContentType := ""
	as := read(func(yield func(string, string) bool) {
		for name, value := range headers {
			if name == contentType {
				dataContentType = value
			} else if !yield(name, value) {
				return
			}
		}
	})
	c, err := as.check(dataContentType)
	if err != nil {
		return event.Event{}, err
	}
	return event.Event{Context: c}, nil
}
