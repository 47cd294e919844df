package match_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/internal/match"
)

func TestCheckNameAccepts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"a",
		"orders.created",
		"Aufträge.größer als.100€",
		"orders.*created", // a wildcard only as a whole segment
		"replacement.\uFFFD",
		strings.Repeat("a", match.MaxName),
	} {
		if err := match.CheckName(name); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckNameErrors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                       `topic name "" is empty`,
		".orders":                `topic name ".orders" has nothing in segment 1`,
		"orders.":                `topic name "orders." has nothing in segment 2`,
		"a..b":                   `topic name "a..b" has nothing in segment 2`,
		"orders.*":               `topic name "orders.*" has "*" as segment 2, which only a pattern may have`,
		">":                      `topic name ">" has ">" as segment 1, which only a pattern may have`,
		"a\nb":                   `topic name "a\nb" has the control character U+000A at byte 1`,
		"a\u0085b":               `topic name "a\u0085b" has the control character U+0085 at byte 1`,
		"a\xc3":                  `topic name "a\xc3" is not valid UTF-8 at byte 1`,
		strings.Repeat("a", 256): `topic name "` + strings.Repeat("a", 64) + `"… has 256 bytes, the limit is 255`,
		strings.Repeat("€", 100): `topic name "` + strings.Repeat("€", 21) + `"… has 300 bytes, the limit is 255`,
	} {
		err := match.CheckName(name)
		var wrong *match.NameError
		if !errors.As(err, &wrong) || wrong.Name != name || err.Error() != want {
			t.Errorf("CheckName(%q) = %v, want %s", name, err, want)
		}
	}
}

func FuzzCheckName(f *testing.F) {
	f.Add("orders.created")
	f.Add("orders..\xff")
	f.Fuzz(func(t *testing.T, name string) {
		err := match.CheckName(name)
		if err == nil && (name == "" || len(name) > 255 || !utf8.ValidString(name) || strings.Contains("."+name+".", "..")) {
			t.Errorf("%q passes", name)
		}
		if err != nil && (!utf8.ValidString(err.Error()) || len(err.Error()) > 500) {
			t.Errorf("error text is invalid or too long: %q", err)
		}
	})
}
