package match

import "strings"

// Selector says which topics a subscription wants: one, those with a prefix, or those that match a pattern. It is made by
// [Exact], [Prefix] and [Pattern.Selector]; the zero Selector selects the empty topic alone.
//
// A Selector is immutable, comparable, and holds on to the string it was made of.
type Selector struct {
	text string
	kind kind
}

type kind uint8

const (
	byName kind = iota
	byPrefix
	byPattern // with a wildcard
)

// Exact returns the selector of the one topic called name. It checks nothing: see [CheckName].
func Exact(name string) Selector {
	return Selector{name, byName}
}

// Prefix returns the selector of all topics that begin with p: any bytes, of any number. As with ZeroMQ it knows no segments,
// and "" selects everything.
func Prefix(p string) Selector {
	return Selector{p, byPrefix}
}

// Selector returns the selector of the topics that p matches. Without wildcards that is one topic, and the result equals that
// of [Exact].
func (p Pattern) Selector() Selector {
	if p.LiteralPrefix() == p.text {
		return Exact(p.text)
	}
	return Selector{p.text, byPattern}
}

// Match reports whether the topic called name, any bytes, is selected. It does not allocate.
func (s Selector) Match(name string) bool {
	switch s.kind {
	case byPrefix:
		return strings.HasPrefix(name, s.text)
	case byPattern:
		return Pattern{s.text}.Match(name)
	default:
		return name == s.text
	}
}

// Name returns the topic when only one is selected, and whether that is so.
func (s Selector) Name() (name string, exact bool) {
	if s.kind != byName {
		return "", false
	}
	return s.text, true
}

// WirePrefix returns the longest prefix that all selected topics share, which is all that a ZeroMQ subscription can say. It may
// select more topics than s.
func (s Selector) WirePrefix() string {
	if s.kind == byPattern {
		return Pattern{s.text}.LiteralPrefix()
	}
	return s.text
}

// String returns the name, prefix or pattern, without saying which it is.
func (s Selector) String() string {
	return s.text
}
