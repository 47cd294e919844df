package codectest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

func TestSoundCodec(t *testing.T) {
	t.Parallel()
	codectest.Run(t, fake{}, cases())
	if err := codectest.Check(fake{}, cases()); err != nil {
		t.Error(err)
	}
}

// TestEachRuleCanFail checks that each rule finds the codecs that break it.
func TestEachRuleCanFail(t *testing.T) {
	t.Parallel()
	if got, want := slices.Sorted(maps.Keys(broken)), slices.Sorted(slices.Values(codectest.Rules())); !slices.Equal(got, want) {
		t.Fatalf("there are broken codecs for %q, and the rules are %q", got, want)
	}
	for rule, codecs := range broken {
		for name, broken := range codecs {
			t.Run(rule+"/"+name, func(t *testing.T) {
				t.Parallel()
				if err := codectest.CheckRule(rule, broken(), cases()); err == nil {
					t.Error("the rule is kept")
				}
			})
		}
	}
}

// TestFailuresNameTheirRule checks what Check says, in the order of the rules.
func TestFailuresNameTheirRule(t *testing.T) {
	t.Parallel()
	err := codectest.Check(broken["Append keeps what dst holds"]["begins anew"](), cases())
	if err == nil || !strings.HasPrefix(err.Error(), "Append keeps what dst holds: ") || !strings.Contains(err.Error(), "\nAppend returns dst after an error: ") {
		t.Errorf("the failures are %v", err)
	}
}

// TestExceptions checks that what a format documents otherwise is allowed where the cases say so, and only there.
func TestExceptions(t *testing.T) {
	t.Parallel()
	plain := func() codectest.Cases {
		return codectest.Cases{Values: map[string]codectest.Value{"text": {Value: new([]byte("text"))}}}
	}
	allowed := plain()
	allowed.ShareMemory, allowed.PrefixesDecode, allowed.LongerDecode = true, true, true
	if err := codectest.Check(codec.Raw, allowed); err != nil {
		t.Errorf("all allowed: %v", err)
	}
	for rule, forbid := range map[string]func(*codectest.Cases){
		"Decode keeps neither v nor src": func(c *codectest.Cases) { c.ShareMemory = false },
		"Decode refuses a proper prefix": func(c *codectest.Cases) { c.PrefixesDecode = false },
		"Decode refuses bytes left over": func(c *codectest.Cases) { c.LongerDecode = false },
		"Decode gives the value back":    func(c *codectest.Cases) { c.Equal = func(any, any) bool { return false } },
	} {
		cases := allowed
		forbid(&cases)
		if err := codectest.Check(codec.Raw, cases); err == nil || !strings.Contains("\n"+err.Error(), "\n"+rule+": ") {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// TestCasesThatCheckNothing checks that a mistake in the cases is not taken for success.
func TestCasesThatCheckNothing(t *testing.T) {
	t.Parallel()
	for want, cases := range map[string]codectest.Cases{
		"Cases.Values is empty":         {},
		`Values["a"].Value is 1`:        {Values: map[string]codectest.Value{"a": {Value: 1}}},
		`Values["a"].Decoded is a *int`: {Values: map[string]codectest.Value{"a": {Value: new("a"), Decoded: new(1)}}},
		`Malformed["b"].Into is a <nil>, want`: {
			Values: map[string]codectest.Value{"a": {Value: new("a")}}, Malformed: map[string]codectest.Malformed{"b": {}},
		},
	} {
		if err := codectest.Check(codec.String, cases); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
