package publisher

import (
	"fmt"

	"github.com/fanfare-go/fanfare/internal/envelope"
)

// Attribute is something an event carries besides its value: a header, its key, or its ID.
type Attribute struct {
	name, value string
	header      bool // set by an application, so not a reserved name
}

// Header gives the event a header. Names have 1 to 255 bytes, in lower case; those that have a meaning of their own on the wire
// (docs/wire.md) are refused by Publish.
func Header(name, value string) Attribute { return Attribute{name, value, true} }

// Key gives the event a key, instead of the one that the topic's WithKey would give; "" is no key.
func Key(key string) Attribute { return Attribute{name: envelope.KeyProperty, value: key} }

// ID gives the event an ID of at most 255 bytes, instead of the one made of source, topic and sequence.
func ID(id string) Attribute { return Attribute{name: envelope.IDProperty, value: id} }

// AttributeError says why an attribute was refused.
type AttributeError struct {
	Name   string // "(all)" when key, ID and headers together are too long
	Reason string
}

// Error names the attribute and the reason.
func (e *AttributeError) Error() string {
	return fmt.Sprintf("publisher: attribute %.64q: %s", e.Name, e.Reason)
}

// encode returns the properties for the given attributes. key is the topic's, used when there is no Key among them.
func encode(key string, attributes []Attribute) (string, error) {
	var text []byte
	for _, a := range attributes {
		if reason := envelope.Fault(a.name, a.value, a.header); reason != "" {
			return "", &AttributeError{a.name, reason}
		}
		if a.name == envelope.KeyProperty {
			key = a.value
			continue
		}
		text = envelope.AppendProperty(text, a.name, a.value)
	}
	if key != "" {
		text = envelope.AppendProperty(text, envelope.KeyProperty, key)
	}
	return string(text), nil
}

const (
	// maxContentType is what the content type takes in the envelope at most.
	maxContentType = 512
	// maxText is what a key or properties may take, so that the envelope is one that receivers accept.
	maxText = envelope.MaxSize - envelope.Size - maxContentType
)

// checkSize returns an error for a key or properties that are too long. Every publish asks, so it is small enough to be inlined.
func checkSize(text string) error {
	if len(text) <= maxText {
		return nil
	}
	return tooLong(text)
}

//go:noinline
func tooLong(text string) error {
	return &AttributeError{"(all)", fmt.Sprintf("%d bytes in all, the limit is %d", len(text), maxText)}
}
