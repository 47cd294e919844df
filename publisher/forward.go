package publisher

import (
	"context"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/topic"
)

// forwarded is the Go type of events that are passed on as they are. No subscription has it, so everybody gets them encoded.
type forwarded struct{}

// Forward publishes on b, to the topic with the given name, what m carries: its payload, as it is encoded, with its content type, its ID, its key
// and its headers. Attributes come in addition, or instead of what m has of the same name. The source, the sequence and the time are new.
// The publish middleware of b sees it. It is how dead letters are set aside, and how one bus is connected to another.
//
// The errors are those of [Publisher.Publish], a [*topic.NameError], and that of encoding the value of m.
func Forward(ctx context.Context, b *bus.Bus, to string, m *bus.Message, attributes ...Attribute) error {
	t, err := topic.Parse[forwarded](to)
	if err != nil {
		return err
	}
	route := b.Join(to) // and not Route: a handler may forward while the bus drains
	defer route.Leave()
	p, err := forwarderOf(b, t, route)()
	if err != nil {
		return err
	}
	frames, err := m.Frames()
	if err != nil {
		return p.route.Refused(err)
	}
	text, err := encode(m.Key(), attributes)
	if err != nil {
		return p.route.Refused(err)
	}
	origin := &envelope.Origin{Topic: to, Source: b.Source(), Encoded: frames} // the content type is among the properties
	e := topic.FromMeta(forwarded{}, envelope.Meta{Origin: origin, Time: b.Now(), Text: kept(m) + text})
	return p.publish(ctx, &e)
}

// Forwarded reports whether m is an event that Forward passes on, in the chain of publish middleware: the form of its payload is not that of a Go
// type of this program.
func Forwarded(m *bus.Message) bool {
	_, ok := m.Event().(*topic.Event[forwarded])
	return ok
}

// forwarder returns the publisher of what is passed on to a topic. All such events of a bus have one, and with it one chain of middleware.
type forwarder func() (*Publisher[forwarded], error)

// forwarderOf returns that of the topic t. It makes the chain when it is called, as the route is locked here.
func forwarderOf(b *bus.Bus, t topic.Topic[forwarded], route *bus.Route) forwarder {
	return route.Shared(
		func(shared any) bool { _, ok := shared.(forwarder); return ok },
		func() any {
			return forwarder(sync.OnceValues(func() (*Publisher[forwarded], error) {
				options := &Options{}
				p, err := newPublisher(b, t.WithCodec(codec.Raw), options)
				if err != nil {
					return nil, err
				}
				p.enter(b.Join(t.String()), options) // never left: it is there for the next event
				return p, nil
			}))
		}).(forwarder)
}

// kept returns the properties of m that an event passed on keeps, but for its key. What comes after them counts instead.
func kept(m *bus.Message) string {
	var text []byte
	if id := m.ID(); id != "" {
		text = envelope.AppendProperty(text, envelope.IDProperty, id)
	}
	for name, value := range m.Headers() {
		if !envelope.Hop(name) {
			text = envelope.AppendProperty(text, name, value)
		}
	}
	return string(text)
}
