package pipeline

import (
	"fmt"

	"github.com/fanfare-go/fanfare/internal/envelope"
)

// Attribute is something a task carries besides its value: a header, or its ID.
type Attribute struct {
	name, value string
	header      bool // set by an application, so not a reserved name
}

// Header gives the task a header. Names have 1 to 255 bytes, in lower case; those that have a meaning of their own on the wire
// (docs/wire.md) are refused by Send.
func Header(name, value string) Attribute { return Attribute{name, value, true} }

// ID gives the task an ID of 1 to 255 bytes, instead of the one made of source, task and sequence.
func ID(id string) Attribute { return Attribute{name: envelope.IDProperty, value: id} }

// attemptProperty counts the attempts in the envelope of a task that is given again.
const attemptProperty = "attempt"

const (
	// maxOwn is what the pipeline itself adds to a task's properties at most: content type, attempt, and the headers of a dead letter.
	maxOwn = 4096
	// maxText is what the properties that Send was given may take, so that the envelope is one that receivers accept.
	maxText = envelope.MaxSize - envelope.Size - maxOwn
)

// encodeAttributes returns the properties for the given attributes.
func encodeAttributes(attributes []Attribute) (string, error) {
	if len(attributes) == 0 {
		return "", nil
	}
	var text []byte
	for _, a := range attributes {
		if reason := envelope.Fault(a.name, a.value, a.header); reason != "" {
			return "", &AttributeError{a.name, reason}
		}
		text = envelope.AppendProperty(text, a.name, a.value)
	}
	return string(text), nil
}

// checkSize returns an error for properties that are too long.
func checkSize(text string) error {
	if len(text) > maxText {
		return &AttributeError{"(all)", fmt.Sprintf("%d bytes in all, the limit is %d", len(text), maxText)}
	}
	return nil
}
