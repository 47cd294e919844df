package cloudevents

import (
	"errors"
	"fmt"
	"strings"
)

// Error says why an event is no valid CloudEvent.
type Error struct {
	Attribute string // such as "id", or "data"; "" for the event as a whole
	Value     string // what it is, at most the first 256 bytes; "" when it is missing
	Err       error  // what is wrong, in at most 256 bytes
}

// Error names the attribute, its value and what is wrong.
func (e *Error) Error() string {
	if e.Attribute == "" {
		return fmt.Sprintf("cloudevents: %v", e.Err)
	}
	return fmt.Sprintf("cloudevents: attribute %.64q is %.64q: %v", e.Attribute, e.Value, e.Err)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// maxShown is how much of a value an error keeps, and of the text of what is wrong, which may have it as well. They come from outside.
const maxShown = 256

// wrong returns an error without the memory of what it is about.
func wrong(name, value string, err error) *Error {
	if text := err.Error(); len(text) > maxShown {
		err = errors.New(strings.ToValidUTF8(text[:maxShown], ""))
	}
	return &Error{string([]byte(name[:min(len(name), maxShown)])), string([]byte(value[:min(len(value), maxShown)])), err}
}

// wrongly is wrong, with a text.
func wrongly(name, value, reason string) *Error { return wrong(name, value, errors.New(reason)) }
