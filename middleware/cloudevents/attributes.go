package cloudevents

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"github.com/fanfare-go/fanfare/bus"
)

// prefix begins the names of headers that are attributes, as in the bindings of CloudEvents to HTTP and NATS.
const prefix = "ce-"

// contentType is the header that the attribute datacontenttype travels as.
const contentType = "content-type"

// Limits of what is sent and taken. Setting headers one by one takes quadratic time, and an envelope has 64 KiB at most.
const (
	maxAttributes = 64       // extensions included
	maxSize       = 32 << 10 // bytes in all names and values
)

// attribute is one of an event, its value in the canonical text form. datacontenttype is not among them.
type attribute struct{ name, value string }

// attributes are those of an event, each once, the extensions last.
type attributes []attribute

// get returns a value.
func (as attributes) get(name string) (value string, found bool) {
	for _, a := range as {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// add appends an attribute that is not there yet.
func (as *attributes) add(name, value string) {
	if _, found := as.get(name); !found {
		*as = append(*as, attribute{name, value})
	}
}

// read returns the attributes among headers.
func read(headers iter.Seq2[string, string]) (as attributes) {
	for name, value := range headers {
		if name, found := strings.CutPrefix(name, prefix); found {
			as = append(as, attribute{name, value})
		}
	}
	return as
}

// check returns the context of the event that has these attributes and a datacontenttype, "" for none. The error is an [*Error].
func (as attributes) check(dataContentType string) (*event.EventContextV1, error) {
	if version, _ := as.get("specversion"); version != event.CloudEventsVersionV1 {
		return nil, wrongly("specversion", version, "it must be 1.0")
	}
	c, size := &event.EventContextV1{}, len(dataContentType)
	for i, a := range as {
		if i == maxAttributes {
			return nil, wrong(a.name, a.value, fmt.Errorf("an event may have %d attributes", maxAttributes))
		}
		if size += len(a.name) + len(a.value); size > maxSize {
			return nil, wrong(a.name, a.value, fmt.Errorf("names and values may have %d bytes in all", maxSize))
		}
		if err := set(c, a); err != nil {
			return nil, wrong(a.name, a.value, err)
		}
	}
	if dataContentType != "" {
		c.DataContentType = &dataContentType
	}
	if faults := c.Validate(); len(faults) > 0 {
		name := slices.Min(slices.Collect(maps.Keys(faults)))
		value, _ := as.get(name)
		if name == "datacontenttype" {
			value = dataContentType
		}
		return nil, wrong(name, value, faults[name])
	}
	return c, nil
}

// escaped returns the attributes with URIs that have no other characters than URIs may have, as the JSON format has them: source and ID say
// which event it is, whatever the mode. c is what check has returned.
func (as attributes) escaped(c *event.EventContextV1) attributes {
	for i, a := range as {
		switch a.name {
		case "source":
			as[i].value = c.Source.String()
		case "dataschema":
			as[i].value = c.DataSchema.String()
		}
	}
	return as
}

// write sets the headers of the attributes.
func (as attributes) write(m *bus.Message) error {
	for _, a := range as {
		if name := prefix + a.name; m.Header(name) != a.value || a.value == "" {
			if err := m.SetHeader(name, a.value); err != nil {
				return wrong(a.name, a.value, err)
			}
		}
	}
	return nil
}

var errEmpty = errors.New("it must not be empty")

// set sets one attribute.
func set(c *event.EventContextV1, a attribute) (err error) {
	if !isText(a.value) {
		return errors.New("it must be UTF-8 without control characters and noncharacters")
	}
	switch a.name {
	case "specversion":
	case "id":
		c.ID = a.value
	case "type":
		c.Type = a.value
	case "subject":
		c.Subject = &a.value
	case "source":
		if strings.TrimSpace(a.value) == "" { // url.Parse would make %20 of a space
			return errEmpty
		}
		err = c.SetSource(a.value)
	case "dataschema":
		if err = c.SetDataSchema(a.value); err == nil && c.DataSchema == nil {
			err = errEmpty
		}
	case "time":
		var t *types.Timestamp
		if t, err = types.ParseTimestamp(a.value); err == nil && t == nil {
			err = errEmpty
		}
		c.Time = t
	default:
		if !isExtension(a.name) {
			return errors.New("it is no name of an extension: lower-case letters and digits, and not one that CloudEvents uses")
		}
		err = c.SetExtension(a.name, a.value)
	}
	return err
}

// isText reports whether value is one that an attribute can have: see the type String of the specification.
func isText(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
	})
}

// isCore reports whether name is that of an attribute that is no extension.
func isCore(name string) bool {
	switch name {
	case "specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype":
		return true
	}
	return false
}

// isExtension reports whether name can be that of an extension.
func isExtension(name string) bool {
	return name != "" && name != "data" && !isCore(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

// extends reports whether a header and the extension of that name are the same thing. Names with a meaning on the wire are not.
func extends(name string) bool {
	switch name {
	case "key", "kind", "status", "message", "deadline", "attempt":
		return false
	}
	return isExtension(name)
}
