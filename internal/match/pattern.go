package match

import (
	"fmt"
	"strings"
)

// Pattern selects topics by segments: "*" stands for exactly one segment, and ">" at the end for one or more. So
// "orders.*.eu" matches "orders.new.eu", and "orders.>" matches "orders.new" and "orders.new.eu", but not "orders".
//
// A Pattern is immutable and comparable. The zero Pattern matches only the empty topic; [ParsePattern] makes the others.
type Pattern struct {
	text string
}

// PatternError says which rule a pattern breaks.
type PatternError struct {
	Pattern string // the pattern as given, whole
	Reason  string // completes the sentence "topic pattern …", such as "has nothing in segment 2"
}

// Error quotes the pattern, shortened when it is long, and gives the reason.
func (e *PatternError) Error() string {
	return "topic pattern " + quote(e.Pattern) + " " + e.Reason
}

// ParsePattern returns the pattern s, or a [*PatternError] unless s is 1 to 255 bytes of valid UTF-8 without control characters,
// in segments separated by '.', none of them empty. A wildcard is a whole segment: '*' or '>' next to another character is an
// error rather than taken for a literal, and so is ">" before the last segment.
func ParsePattern(s string) (Pattern, error) {
	if reason := textFault(s); reason != "" {
		return Pattern{}, &PatternError{s, reason}
	}
	last := 1 + strings.Count(s, ".")
	i := 0
	for segment := range strings.SplitSeq(s, ".") {
		i++
		if len(segment) > 1 && strings.ContainsAny(segment, oneSegment+restSegments) {
			return Pattern{}, &PatternError{s, fmt.Sprintf("has a wildcard inside segment %d, %s: it must be the whole segment", i, quote(segment))}
		}
		if segment == restSegments && i < last {
			return Pattern{}, &PatternError{s, fmt.Sprintf("has %q as segment %d of %d: it must be the last", segment, i, last)}
		}
	}
	return Pattern{s}, nil
}

// Match reports whether the pattern selects topic. The topic may be any bytes, as plain peers send them: an empty segment is a
// segment like any other. Match does not allocate.
func (p Pattern) Match(topic string) bool {
	pattern, morePattern, moreTopic := p.text, true, true
	for morePattern && moreTopic {
		var want, got string
		want, pattern, morePattern = strings.Cut(pattern, ".")
		if want == restSegments {
			return true
		}
		got, topic, moreTopic = strings.Cut(topic, ".")
		if want != oneSegment && want != got {
			return false
		}
	}
	return morePattern == moreTopic
}

// LiteralPrefix returns the longest prefix that all topics matched by p share: what to subscribe to where only prefixes exist,
// "orders." for "orders.*.eu" and "" for ">". It selects more topics than p, so Match must still be asked.
func (p Pattern) LiteralPrefix() string {
	if i := strings.IndexAny(p.text, oneSegment+restSegments); i >= 0 {
		return p.text[:i]
	}
	return p.text
}

// String returns the pattern as it was parsed.
func (p Pattern) String() string {
	return p.text
}
