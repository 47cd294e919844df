package topic

import (
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/match"
)

// MaxName is the longest name, prefix or pattern, in bytes.
const MaxName = match.MaxName

// NameError says which rule a topic name breaks.
type NameError = match.NameError

// Topic is a name, the Go type of the events published under it, and how they are encoded when they leave the process.
// The zero Topic is not usable: see [New] and [Parse].
type Topic[T any] struct {
	name  string
	codec codec.Codec
	key   func(T) string
}

// New returns the topic with the given name, encoded as JSON. It panics with a [*NameError] on a bad name, so it is meant for
// package-level variables; names that are known only at run time go through [Parse].
func New[T any](name string) Topic[T] {
	t, err := Parse[T](name)
	if err != nil {
		panic(err)
	}
	return t
}

// Parse returns the topic with the given name, encoded as JSON. A name is 1 to 255 bytes of UTF-8 without control
// characters, in segments separated by '.', none of which is empty, "*" or ">"; otherwise the error is a [*NameError].
func Parse[T any](name string) (Topic[T], error) {
	if err := match.CheckName(name); err != nil {
		return Topic[T]{}, err
	}
	return Topic[T]{name: name, codec: codec.JSON}, nil
}

// WithCodec returns the topic with another codec. The codec matters only where an event is encoded: towards a transport, and
// towards subscriptions of another Go type.
func (t Topic[T]) WithCodec(c codec.Codec) Topic[T] {
	t.codec = c
	return t
}

// WithKey returns the topic with a function that gives the key of an event, which travels with it. It is called once for each publish, must be quick, and must not publish.
func (t Topic[T]) WithKey(key func(T) string) Topic[T] {
	t.key = key
	return t
}

// KeyFunc returns the function given to WithKey, nil when there is none.
func (t Topic[T]) KeyFunc() func(T) string { return t.key }

// Codec returns how the topic's events are encoded, nil for the zero Topic.
func (t Topic[T]) Codec() codec.Codec { return t.codec }

// String returns the topic's name.
func (t Topic[T]) String() string { return t.name }

// Match reports whether name is the topic's name.
func (t Topic[T]) Match(name string) bool { return name == t.name }

// WirePrefix returns the topic's name: transports subscribe by prefix, and Match is asked again.
func (t Topic[T]) WirePrefix() string { return t.name }

// Selector returns it without the type, inside the module.
func (t Topic[T]) Selector() match.Selector { return match.Exact(t.name) }

func (t Topic[T]) selects(T) {}
