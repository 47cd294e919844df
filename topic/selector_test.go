package topic_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/topic"
)

func TestPrefixMatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		prefix, name string
		want         bool
	}{
		{"", "", true},
		{"", "orders.created", true},
		{"orders.", "orders.created", true},
		{"orders.", "orders.", true},
		{"orders.", "orders", false},
		{"orders", "orders2", true}, // bytes, not segments
		{"gr\xc3", "größe", true},
		{"\x00\xff", "\x00\xfe", false},
	} {
		p, err := topic.ParsePrefix[order](tc.prefix)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(tc.name); got != tc.want {
			t.Errorf("%q matches %q = %t, want %t", tc.prefix, tc.name, got, tc.want)
		}
		if p.String() != tc.prefix || p.WirePrefix() != tc.prefix {
			t.Errorf("%q became %q, on the wire %q", tc.prefix, p, p.WirePrefix())
		}
	}
}

func TestPrefixError(t *testing.T) {
	t.Parallel()
	longest, tooLong := strings.Repeat("a", 255), strings.Repeat("a", 256)
	if _, err := topic.ParsePrefix[order](longest); err != nil {
		t.Error(err)
	}
	_, parsed := topic.ParsePrefix[order](tooLong)
	for name, err := range map[string]error{
		"ParsePrefix": parsed,
		"NewPrefix":   recovered(func() { topic.NewPrefix[order](tooLong) }),
	} {
		var wrong *topic.PrefixError
		want := `topic prefix "` + tooLong[:64] + `"… has 256 bytes, the limit is 255`
		if !errors.As(err, &wrong) || wrong.Prefix != tooLong || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// TestPattern has one topic for each wildcard; package internal/match tests the rules themselves.
func TestPattern(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, wirePrefix, matches, not string
	}{
		{"orders.created", "orders.created", "orders.created", "orders.created.eu"},
		{"orders.*.eu", "orders.", "orders.created.eu", "orders.eu"},
		{"orders.>", "orders.", "orders.created.eu", "orders"},
	} {
		p, err := topic.ParsePattern[order](tc.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if !p.Match(tc.matches) || p.Match(tc.not) {
			t.Errorf("%q matches %q = %t, %q = %t", p, tc.matches, p.Match(tc.matches), tc.not, p.Match(tc.not))
		}
		if p.String() != tc.pattern || p.WirePrefix() != tc.wirePrefix {
			t.Errorf("%q became %q, on the wire %q", tc.pattern, p, p.WirePrefix())
		}
	}
}

func TestPatternErrors(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":             `topic pattern "" is empty`,
		"orders.>.eu":  `topic pattern "orders.>.eu" has ">" as segment 2 of 3: it must be the last`,
		"orders.new*":  `topic pattern "orders.new*" has a wildcard inside segment 2, "new*": it must be the whole segment`,
		"orders.\x00.": `topic pattern "orders.\x00." has the control character U+0000 at byte 7`,
	} {
		_, parsed := topic.ParsePattern[order](pattern)
		for name, err := range map[string]error{
			"ParsePattern": parsed,
			"NewPattern":   recovered(func() { topic.NewPattern[order](pattern) }),
		} {
			var wrong *topic.PatternError
			if !errors.As(err, &wrong) || wrong.Pattern != pattern || err.Error() != want {
				t.Errorf("%s(%q): %v, want %s", name, pattern, err, want)
			}
		}
	}
}

// FuzzWirePrefix checks that a transport that knows only prefixes is asked for everything that a selector wants.
func FuzzWirePrefix(f *testing.F) {
	f.Add("orders.*.eu", "orders.created.eu")
	f.Add("orders.>", "orders.created")
	f.Add("orders", "orders\xff")
	f.Fuzz(func(t *testing.T, text, name string) {
		var selectors []topic.Selector[order]
		if s, err := topic.Parse[order](text); err == nil {
			selectors = append(selectors, s)
		}
		if s, err := topic.ParsePrefix[order](text); err == nil {
			selectors = append(selectors, s)
		}
		if s, err := topic.ParsePattern[order](text); err == nil {
			selectors = append(selectors, s)
		}
		for _, s := range selectors {
			if s.String() != text {
				t.Errorf("%T(%q) became %q", s, text, s)
			}
			if s.Match(name) && !strings.HasPrefix(name, s.WirePrefix()) {
				t.Errorf("%T(%q) matches %q, but asks for %q", s, text, name, s.WirePrefix())
			}
		}
	})
}
