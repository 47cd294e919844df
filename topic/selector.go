package topic

import (
	"fmt"
	"strings"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/match"
)

// Selector says which topics a subscription wants, and the Go type it takes their events as. It is implemented by [Topic],
// [Prefix] and [Pattern], and by nothing else.
type Selector[T any] interface {
	// String returns the name, prefix or pattern.
	String() string
	// Match reports whether the topic with that name is selected.
	Match(name string) bool
	// WirePrefix returns the longest prefix that all selected topics share.
	WirePrefix() string
	// Selector returns it without the type, inside the module.
	Selector() match.Selector
	// Codec returns how encoded events are decoded.
	Codec() codec.Codec

	selects(T) // names T, so that it is inferred from the argument, and seals the interface
}

// Prefix selects every topic whose name begins with certain bytes. As with ZeroMQ it knows no segments: "orders" selects
// "orders2" as well, so a prefix usually ends with a dot.
//
// Messages of plain ZeroMQ peers that consist of a single frame have no topic. They are selected by their first bytes, by
// prefixes alone, and get the prefix as their topic.
type Prefix[T any] struct {
	prefix string
	codec  codec.Codec
}

// PrefixError says that a prefix is too long.
type PrefixError struct {
	Prefix string
}

// Error gives the limit and the length, and how the prefix begins.
func (e *PrefixError) Error() string {
	return fmt.Sprintf("topic prefix %q… has %d bytes, the limit is %d", e.Prefix[:min(64, len(e.Prefix))], len(e.Prefix), MaxName)
}

// NewPrefix returns the selector of all topics that begin with prefix: any bytes, at most 255; "" selects everything. Events
// are decoded as JSON. It panics with a [*PrefixError] on a longer one; see [ParsePrefix].
func NewPrefix[T any](prefix string) Prefix[T] {
	p, err := ParsePrefix[T](prefix)
	if err != nil {
		panic(err)
	}
	return p
}

// ParsePrefix is NewPrefix for prefixes that are known only at run time. Its error is a [*PrefixError].
func ParsePrefix[T any](prefix string) (Prefix[T], error) {
	if len(prefix) > MaxName {
		return Prefix[T]{}, &PrefixError{prefix}
	}
	return Prefix[T]{prefix, codec.JSON}, nil
}

// WithCodec returns the prefix with another codec.
func (p Prefix[T]) WithCodec(c codec.Codec) Prefix[T] {
	p.codec = c
	return p
}

// Codec returns how encoded events are decoded, nil for the zero Prefix.
func (p Prefix[T]) Codec() codec.Codec { return p.codec }

// String returns the prefix.
func (p Prefix[T]) String() string { return p.prefix }

// Match reports whether name begins with the prefix.
func (p Prefix[T]) Match(name string) bool { return strings.HasPrefix(name, p.prefix) }

// WirePrefix returns the prefix.
func (p Prefix[T]) WirePrefix() string { return p.prefix }

// Selector returns it without the type, inside the module.
func (p Prefix[T]) Selector() match.Selector { return match.Prefix(p.prefix) }

func (p Prefix[T]) selects(T) {}

// PatternError says which rule a pattern breaks.
type PatternError = match.PatternError

// Pattern selects topics by their segments: "*" stands for any one segment, ">" at the end for one or more. "orders.*.eu"
// selects "orders.created.eu"; "orders.>" selects that and "orders.created", but not "orders".
type Pattern[T any] struct {
	pattern match.Pattern
	codec   codec.Codec
}

// NewPattern returns the selector of all topics that match pattern. Events are decoded as JSON. It panics with a
// [*PatternError] on a bad pattern; see [ParsePattern].
func NewPattern[T any](pattern string) Pattern[T] {
	p, err := ParsePattern[T](pattern)
	if err != nil {
		panic(err)
	}
	return p
}

// ParsePattern is NewPattern for patterns that are known only at run time. A pattern follows the rules of topic names, except
// that segments may be "*", and the last one ">"; otherwise the error is a [*PatternError].
func ParsePattern[T any](pattern string) (Pattern[T], error) {
	p, err := match.ParsePattern(pattern)
	if err != nil {
		return Pattern[T]{}, err
	}
	return Pattern[T]{p, codec.JSON}, nil
}

// WithCodec returns the pattern with another codec.
func (p Pattern[T]) WithCodec(c codec.Codec) Pattern[T] {
	p.codec = c
	return p
}

// Codec returns how encoded events are decoded, nil for the zero Pattern.
func (p Pattern[T]) Codec() codec.Codec { return p.codec }

// String returns the pattern.
func (p Pattern[T]) String() string { return p.pattern.String() }

// Match reports whether the topic with that name is selected.
func (p Pattern[T]) Match(name string) bool { return p.pattern.Match(name) }

// WirePrefix returns what precedes the first wildcard.
func (p Pattern[T]) WirePrefix() string { return p.pattern.LiteralPrefix() }

// Selector returns it without the type, inside the module.
func (p Pattern[T]) Selector() match.Selector { return p.pattern.Selector() }

func (p Pattern[T]) selects(T) {}
