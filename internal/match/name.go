package match

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest topic name or pattern, in bytes.
const MaxName = 255

// Wildcards of a pattern: a topic name has no segment that is one of them.
const (
	oneSegment   = "*"
	restSegments = ">"
)

// NameError says which rule a topic name breaks.
type NameError struct {
	Name   string // the name as given, whole
	Reason string // completes the sentence "topic name …", such as "has 300 bytes, the limit is 255"
}

// Error quotes the name, shortened when it is long, and gives the reason.
func (e *NameError) Error() string {
	return "topic name " + quote(e.Name) + " " + e.Reason
}

// CheckName returns a [*NameError] unless name is 1 to 255 bytes of valid UTF-8 without control characters, in segments
// separated by '.', none of which is empty, "*" or ">".
func CheckName(name string) error {
	if reason := textFault(name); reason != "" {
		return &NameError{name, reason}
	}
	i := 0
	for segment := range strings.SplitSeq(name, ".") {
		i++
		if segment == oneSegment || segment == restSegments {
			return &NameError{name, fmt.Sprintf("has %q as segment %d, which only a pattern may have", segment, i)}
		}
	}
	return nil
}

// textFault returns what is wrong with s by the rules that names and patterns share, or "".
func textFault(s string) string {
	if s == "" {
		return "is empty"
	}
	if len(s) > MaxName {
		return fmt.Sprintf("has %d bytes, the limit is %d", len(s), MaxName)
	}
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return fmt.Sprintf("is not valid UTF-8 at byte %d", i)
		}
		if unicode.IsControl(r) {
			return fmt.Sprintf("has the control character %U at byte %d", r, i)
		}
	}
	i := 0
	for segment := range strings.SplitSeq(s, ".") {
		i++
		if segment == "" {
			return fmt.Sprintf("has nothing in segment %d", i)
		}
	}
	return ""
}

// quote returns s in quotes, with all but the first bytes replaced by "…" when it is long.
func quote(s string) string {
	const most = 64
	if len(s) <= most {
		return strconv.Quote(s)
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return strconv.Quote(s[:end]) + "…"
}
