package match_test

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/match"
)

func TestPatternMatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, topic string
		want           bool
	}{
		{"orders", "orders", true},
		{"orders", "orders.new", false},
		{"orders.new", "orders", false},
		{"orders.*", "orders.new", true},
		{"orders.*", "orders", false},
		{"orders.*", "orders.new.eu", false},
		{"orders.*.eu", "orders.new.eu", true},
		{"orders.*.eu", "orders.new.us", false},
		{"*.*", "orders.new", true},
		{"*", "", true},
		{">", "orders.new.eu", true},
		{">", "", true},
		{"orders.>", "orders", false},
		{"orders.>", "orders.", true},
		{"orders.>", "orders.new", true},
		{"orders.>", "orders.new.eu", true},
		{"*.>", "orders", false},
		{"orders.*", "orders.\xff\x00", true},
	} {
		p, err := match.ParsePattern(tc.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(tc.topic); got != tc.want {
			t.Errorf("%q matches %q = %t, want %t", tc.pattern, tc.topic, got, tc.want)
		}
		if p.String() != tc.pattern {
			t.Errorf("String() = %q, want %q", p, tc.pattern)
		}
	}
}

func TestPatternLiteralPrefix(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"orders":      "orders",
		"orders.new":  "orders.new",
		"orders.*":    "orders.",
		"orders.*.eu": "orders.",
		"orders.>":    "orders.",
		"*.eu":        "",
		">":           "",
	} {
		p, err := match.ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.LiteralPrefix(); got != want {
			t.Errorf("LiteralPrefix of %q = %q, want %q", pattern, got, want)
		}
	}
}

func TestParsePatternErrors(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":                       `topic pattern "" is empty`,
		".":                      `topic pattern "." has nothing in segment 1`,
		"orders..eu":             `topic pattern "orders..eu" has nothing in segment 2`,
		"orders.*.":              `topic pattern "orders.*." has nothing in segment 3`,
		"orders.>.eu":            `topic pattern "orders.>.eu" has ">" as segment 2 of 3: it must be the last`,
		"orders.new*":            `topic pattern "orders.new*" has a wildcard inside segment 2, "new*": it must be the whole segment`,
		"**":                     `topic pattern "**" has a wildcard inside segment 1, "**": it must be the whole segment`,
		"orders.\x00":            `topic pattern "orders.\x00" has the control character U+0000 at byte 7`,
		"orders.\xff":            `topic pattern "orders.\xff" is not valid UTF-8 at byte 7`,
		strings.Repeat("a", 256): `topic pattern "` + strings.Repeat("a", 64) + `"… has 256 bytes, the limit is 255`,
	} {
		_, err := match.ParsePattern(pattern)
		var wrong *match.PatternError
		if !errors.As(err, &wrong) || wrong.Pattern != pattern || err.Error() != want {
			t.Errorf("ParsePattern(%q) = %v, want %s", pattern, err, want)
		}
	}
}

// patternModel writes a pattern as a regular expression.
func patternModel(pattern string) *regexp.Regexp {
	segments := strings.Split(pattern, ".")
	for i, s := range segments {
		switch s {
		case "*":
			segments[i] = `[^.]*`
		case ">":
			segments[i] = `.*`
		default:
			segments[i] = regexp.QuoteMeta(s)
		}
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(segments, `\.`) + `\z`)
}

// byBytes returns a rune for each byte: topics are bytes, and a regular expression takes every one that is not UTF-8 for U+FFFD.
func byBytes(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// comparePattern checks the answer of a valid pattern, and that its literal prefix loses no topic.
func comparePattern(t *testing.T, p match.Pattern, topic string) {
	t.Helper()
	want := patternModel(byBytes(p.String())).MatchString(byBytes(topic))
	if got := p.Match(topic); got != want {
		t.Fatalf("%q matches %q = %t, want %t", p, topic, got, want)
	}
	if want && !strings.HasPrefix(topic, p.LiteralPrefix()) {
		t.Fatalf("%q matches %q, which its literal prefix %q does not begin", p, topic, p.LiteralPrefix())
	}
}

func TestPatternAgreesWithModel(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	join := func(segments ...string) string {
		words := make([]string, 1+rng.IntN(4))
		for i := range words {
			words[i] = segments[rng.IntN(len(segments))]
		}
		return strings.Join(words, ".")
	}
	valid := 0
	for range 20_000 {
		p, err := match.ParsePattern(join("a", "b", "*", ">"))
		if err != nil {
			continue
		}
		valid++
		comparePattern(t, p, join("a", "b", ""))
	}
	if valid < 5_000 {
		t.Errorf("only %d of 20,000 random patterns were valid", valid)
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("orders.*.eu", "orders.new.eu")
	f.Add("orders.>", "orders.new.eu")
	f.Add("a..b", "a..b")
	f.Add("a.b*", "a.\xff")
	f.Add("\uFFFD", "\xe1")
	f.Fuzz(func(t *testing.T, pattern, topic string) {
		p, err := match.ParsePattern(pattern)
		if err == nil {
			comparePattern(t, p, topic)
		}
		isName := match.CheckName(pattern) == nil
		isLiteral := err == nil && !strings.ContainsAny(pattern, "*>")
		if isLiteral && (!isName || !p.Match(pattern) || p.LiteralPrefix() != pattern) {
			t.Errorf("a pattern without wildcards must be a name that matches itself: %q", pattern)
		}
	})
}

func TestPatternMatchDoesNotAllocate(t *testing.T) {
	p, err := match.ParsePattern("orders.*.eu.>")
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { p.Match("orders.new.eu.berlin") }); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
}

func BenchmarkPatternMatch(b *testing.B) {
	p, err := match.ParsePattern("orders.*.eu")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !p.Match("orders.created.eu") {
			b.Fatal("wrong answer")
		}
	}
}
