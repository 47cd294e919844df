package match_test

import (
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/match"
)

// pattern returns the selector of a pattern that must be valid.
func pattern(tb testing.TB, s string) match.Selector {
	tb.Helper()
	p, err := match.ParsePattern(s)
	if err != nil {
		tb.Fatal(err)
	}
	return p.Selector()
}

func TestSelector(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		selector    match.Selector
		text, wire  string
		exact       bool
		match, miss string // topics, separated by spaces
	}{
		{match.Exact("orders"), "orders", "orders", true, "orders", "order orders. orders.new"},
		{match.Exact("orders.*"), "orders.*", "orders.*", true, "orders.*", "orders.new"},
		{match.Prefix("orders"), "orders", "orders", false, "orders orders2 orders.new", "order Orders"},
		{match.Prefix("a.*"), "a.*", "a.*", false, "a.* a.*.b", "a.b"},
		{match.Prefix(""), "", "", false, "a a.b", ""},
		{pattern(t, "orders.new"), "orders.new", "orders.new", true, "orders.new", "orders orders.new.eu"},
		{pattern(t, "orders.*.eu"), "orders.*.eu", "orders.", false, "orders.new.eu orders..eu", "orders.eu orders.new.us"},
		{pattern(t, "orders.>"), "orders.>", "orders.", false, "orders. orders.new.eu", "orders"},
		{match.Selector{}, "", "", true, "", "a ."},
		{match.Pattern{}.Selector(), "", "", true, "", "a ."},
	} {
		s := tc.selector
		if s.String() != tc.text || s.WirePrefix() != tc.wire {
			t.Errorf("%#v: String %q, WirePrefix %q, want %q and %q", s, s, s.WirePrefix(), tc.text, tc.wire)
		}
		want := ""
		if tc.exact {
			want = tc.text
		}
		if name, exact := s.Name(); name != want || exact != tc.exact {
			t.Errorf("%#v: Name %q, %t, want %q, %t", s, name, exact, want, tc.exact)
		}
		for topic := range strings.SplitSeq(tc.match, " ") {
			if !s.Match(topic) {
				t.Errorf("%#v does not match %q", s, topic)
			}
		}
		for _, topic := range strings.Fields(tc.miss) {
			if s.Match(topic) {
				t.Errorf("%#v matches %q", s, topic)
			}
		}
	}
}

func TestSelectorsAreEqualWhenMadeOfTheSame(t *testing.T) {
	t.Parallel()
	if pattern(t, "orders.new") != match.Exact("orders.new") || (match.Pattern{}).Selector() != (match.Selector{}) {
		t.Error("selectors that select the same differ")
	}
	if match.Exact("a") == match.Prefix("a") || match.Prefix("a.*") == pattern(t, "a.*") || match.Exact("a.*") == pattern(t, "a.*") {
		t.Error("selectors of different kinds are equal")
	}
}

func TestSelectorMatchDoesNotAllocate(t *testing.T) {
	stars := pattern(t, "orders.*.eu.>")
	if n := testing.AllocsPerRun(100, func() {
		stars.Match("orders.new.eu.berlin")
		match.Prefix("orders.").Match("orders.new.eu.berlin")
		match.Exact("orders").Match("orders.new.eu.berlin")
	}); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
}
