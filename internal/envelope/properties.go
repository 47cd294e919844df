package envelope

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// The properties that have a meaning of their own. Applications cannot set them as headers.
const (
	ContentTypeProperty = "content-type"
	KeyProperty         = "key"
	IDProperty          = "id"
)

// Limits of docs/wire.md.
const (
	MaxName = 255      // bytes in a property's name
	MaxID   = 255      // bytes in an ID
	MaxSize = 64 << 10 // bytes in an envelope
)

// Reserved tells whether name has a meaning of its own on the wire.
func Reserved(name string) bool {
	switch name {
	case ContentTypeProperty, KeyProperty, IDProperty, "correlation-id", "causation-id", "traceparent", "tracestate",
		"kind", "status", "message", "deadline", "attempt":
		return true
	}
	return false
}

// Hop tells whether the property named name says something about one way of a message, and not about the event.
func Hop(name string) bool {
	switch name {
	case "kind", "status", "message", "deadline", "attempt":
		return true
	}
	return false
}

// AppendProperty appends one property: name length (1), name, value length (4), value, as in ZMTP's metadata.
// The name has been checked with CheckName.
func AppendProperty[V string | []byte](dst []byte, name string, value V) []byte {
	dst = append(dst, byte(len(name)))
	dst = append(dst, name...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}

// CheckName returns an error that says what is wrong with name as the name of a property.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("property name is empty")
	case len(name) > MaxName:
		return fmt.Errorf("property name %.32q… has %d bytes, more than %d", name, len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("property name %q is not valid UTF-8", name)
	case strings.ToLower(name) != name:
		return fmt.Errorf("property name %q is not in lower case", name)
	}
	return nil
}

// All yields the names and values of the properties in text, in order. It ends at the first one that is cut short.
func All(text string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for text != "" {
			name, value, after, ok := next(text)
			if !ok || !yield(name, value) {
				return
			}
			text = after
		}
	}
}

// Lookup returns the value of the named property in text; of duplicates the last one.
func Lookup(text, name string) (value string, found bool) {
	for text != "" {
		n, v, after, ok := next(text)
		if !ok {
			break
		}
		if n == name {
			value, found = v, true
		}
		text = after
	}
	return value, found
}

// next splits the first property off text, which is not empty. It reports false when that is cut short or has no name.
func next(text string) (name, value, after string, ok bool) {
	n := int(text[0])
	if n == 0 || len(text) < 1+n+4 {
		return "", "", "", false
	}
	name, text = text[1:1+n], text[1+n:]
	size := uint64(text[0])<<24 | uint64(text[1])<<16 | uint64(text[2])<<8 | uint64(text[3])
	if text = text[4:]; size > uint64(len(text)) {
		return "", "", "", false
	}
	return name, text[:size], text[size:], true
}
