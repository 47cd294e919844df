package cloudevents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/fanfare-go/fanfare/bus"
	"github.com/google/uuid"
)

// Mode is how a CloudEvent travels.
type Mode uint8

const (
	// Binary leaves the payload as it is: the attributes are headers. Subscribers that know nothing of CloudEvents are not disturbed.
	Binary Mode = iota
	// Structured makes the payload an event in the JSON format, with the content type application/cloudevents+json. Subscribers need
	// [Receive], those on the same bus as well. A payload of several frames is an [*Error].
	Structured
)

// String returns the name of the mode.
func (m Mode) String() string {
	switch m {
	case Binary:
		return "binary"
	case Structured:
		return "structured"
	}
	return fmt.Sprintf("unknown mode %d", uint8(m))
}

// SendOptions are the attributes of what is sent.
//
// A publisher can give one event others: publisher.Header("ce-subject", "…") takes the place of what the options say.
type SendOptions struct {
	// Mode is how the event travels. Default: [Binary].
	Mode Mode
	// Source is a URI reference that says who publishes; characters that URIs do not have are percent-encoded. Default: "/fanfare/" and the
	// bus's name; "urn:uuid:" and its source when it has no name, which is another one each time that the program starts.
	Source string
	// Type returns what kind of event it is. It may be called concurrently. Default: the topic.
	Type func(m *bus.Message) string
	// Subject returns what the event is about; "" is none. It may be called concurrently. Default: none.
	Subject func(m *bus.Message) string
	// DataSchema is the absolute URI of the schema of the payload. Default: none.
	DataSchema string
	// Extensions are further attributes. Names have lower-case letters and digits only. Default: none.
	Extensions map[string]string
}

// check returns the error of an option that is not right.
func (o *SendOptions) check() error {
	field := func(name string, value any, limit string) error {
		return &bus.OptionError{Field: "cloudevents.SendOptions." + name, Value: value, Limit: limit}
	}
	if o.Mode > Structured {
		return field("Mode", o.Mode, "Binary or Structured")
	}
	trial := attributes{{"specversion", event.CloudEventsVersionV1}, {"id", "1"}, {"type", "any"}, {"source", cmp.Or(o.Source, "any")}}
	if o.DataSchema != "" {
		trial.add("dataschema", o.DataSchema)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Extensions)) {
		if !isExtension(name) {
			return field("Extensions", name, "names of lower-case letters and digits that CloudEvents does not use")
		}
		trial.add(name, o.Extensions[name])
	}
	_, err := trial.check("")
	var fault *Error
	if !errors.As(err, &fault) {
		return nil
	}
	switch fault.Attribute {
	case "source":
		return field("Source", fault.Value, "a URI reference")
	case "dataschema":
		return field("DataSchema", fault.Value, "an absolute URI")
	}
	return field("Extensions["+fault.Attribute+"]", fault.Value, "UTF-8 without control characters and noncharacters, and fit into 64 attributes of 32 KiB")
}

// Send makes CloudEvents of what is published, sent or asked. Phase: [bus.PhaseSend], inside of all that adds headers.
//
// The attribute id is the event's ID: the one that the publisher gave it, or else a random UUID, which becomes the event's. time is when
// it was published, datacontenttype its content type. Headers whose names can be those of extensions become extensions, traceparent and
// tracestate among them, unless they have a meaning of their own on the wire; in binary mode they stay headers as well. An event
// that is structured already passes as it is.
//
// Publish returns an [*Error] for what would be no valid CloudEvent, and nothing is sent: more than 64 attributes, or 32 KiB of them, too.
// nil options mean the defaults. Bad ones are a [*bus.OptionError] where the middleware is used. On the subscribe side it is refused.
func Send(o *SendOptions) bus.Middleware {
	var options SendOptions
	if o != nil {
		options = *o
		options.Extensions = maps.Clone(o.Extensions)
	}
	s := &sender{SendOptions: options, extensions: slices.Sorted(maps.Keys(options.Extensions))}
	return bus.Middleware{Name: "cloudevents send", Phase: bus.PhaseSend, Err: options.check(), Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if err := s.stamp(m); err != nil {
				return err
			}
			return next(ctx, m)
		}
	}}
}

// sender stamps events. It is used by all chains, and never changes.
type sender struct {
	SendOptions
	extensions []string // their names
}

// stamp makes m a CloudEvent. Another attempt finds the ID that the one before it has set, so it is the same event.
func (s *sender) stamp(m *bus.Message) error {
	if role := m.Party().Role; !role.Sends() {
		return fmt.Errorf("cloudevents: Send is for the publish side, and this is a %v", role)
	}
	dataContentType := m.Header(contentType)
	if structured, err := isStructured(dataContentType); err != nil {
		return err
	} else if structured {
		return identifyStructured(m)
	}
	as, err := s.attributes(m)
	if err != nil {
		return err
	}
	if s.Mode == Binary {
		c, err := as.check(dataContentType)
		if err != nil {
			return err
		}
		return as.escaped(c).write(m)
	}
	payload, err := encode(m, as, dataContentType)
	if err != nil {
		return err
	}
	m.SetPayload(payload)
	return m.SetHeader(contentType, event.ApplicationCloudEventsJSON)
}

// attributes returns those of m.
func (s *sender) attributes(m *bus.Message) (attributes, error) {
	given := read(m.Headers())
	id, err := identify(m, given)
	if err != nil {
		return nil, err
	}
	as := make(attributes, 0, 8)
	core := func(name, otherwise string) {
		value, found := given.get(name)
		if !found {
			value = otherwise
		}
		if found || value != "" {
			as.add(name, value)
		}
	}
	as.add("specversion", event.CloudEventsVersionV1)
	as.add("id", id)
	core("source", cmp.Or(s.Source, source(m.Party().Bus)))
	core("type", call(s.Type, m, m.Topic()))
	core("subject", call(s.Subject, m, ""))
	core("dataschema", s.DataSchema)
	core("time", published(m))
	for _, a := range given { // the extensions are left
		if as.add(a.name, a.value); len(as) > maxAttributes {
			return as, nil // to be refused: more of them would only take time
		}
	}
	for name, value := range m.Headers() {
		if len(as) > maxAttributes {
			break
		}
		if extends(name) && isText(value) { // a header may have bytes that an attribute may not
			as.add(name, value)
		}
	}
	for _, name := range s.extensions {
		as.add(name, s.Extensions[name])
	}
	return as, nil
}

// identify returns the ID of m, giving it one if it has none.
func identify(m *bus.Message, given attributes) (string, error) {
	if id := m.ID(); id != "" {
		return id, nil
	}
	id, found := given.get("id")
	if !found {
		id = uuid.NewString()
	}
	if err := m.SetID(id); err != nil {
		return "", wrong("id", id, err)
	}
	return id, nil
}

// identifyStructured checks an event that is in the JSON format, and gives it the ID that it has there if it has none.
func identifyStructured(m *bus.Message) error {
	payload, err := m.Payload()
	if err != nil {
		return err
	}
	d, err := decode(payload)
	if err != nil {
		return err
	}
	_, err = identify(m, d.attributes)
	return err
}

// source returns the default of SendOptions.Source.
func source(b *bus.Bus) string {
	if b.Name() != "" {
		return "/fanfare/" + url.PathEscape(b.Name())
	}
	return b.Source().URN()
}

// call returns what f does, or otherwise without one.
func call(f func(*bus.Message) string, m *bus.Message, otherwise string) string {
	if f == nil {
		return otherwise
	}
	return f(m)
}

// published returns the time of m, "" if it is not known.
func published(m *bus.Message) string {
	if t := m.Time(); !t.IsZero() {
		return t.UTC().Format(time.RFC3339Nano)
	}
	return ""
}
