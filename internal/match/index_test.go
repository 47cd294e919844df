package match_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/match"
)

func TestIndexZeroValueIsEmpty(t *testing.T) {
	t.Parallel()
	var x match.Index[int]
	for range x.All {
		t.Error("All yields something")
	}
	for _, s := range []match.Selector{match.Exact("a"), match.Prefix("a"), match.Prefix(""), pattern(t, "*")} {
		if x.Remove(s, 0) { // 0 is what an empty place holds
			t.Errorf("Remove(%#v) found something", s)
		}
	}
	if got := x.Append(nil, "a"); got != nil || x.Len() != 0 {
		t.Errorf("Append = %v, Len = %d", got, x.Len())
	}
}

func TestIndexAppend(t *testing.T) {
	t.Parallel()
	var x match.Index[string]
	for _, name := range []string{"", "a", "a.b", "a.*", "a.>"} {
		x.Add(match.Exact(name), "="+name)
	}
	for _, prefix := range []string{"", "a", "a.", "a.b", "a.b.c", "ax"} {
		x.Add(match.Prefix(prefix), "^"+prefix)
	}
	for _, p := range []string{"*", ">", "a", "a.*", "a.>", "*.b", "*.*", "*.>", "a.*.c", "a.b.>", "*.b.*"} {
		x.Add(pattern(t, p), "~"+p)
	}
	for topic, want := range map[string]string{
		"":      "= ^ ~* ~>",
		"a":     "=a ^ ^a ~* ~> ~a",
		"a.":    "^ ^a ^a. ~*.* ~*.> ~> ~a.* ~a.>",
		"a.b":   "=a.b ^ ^a ^a. ^a.b ~*.* ~*.> ~*.b ~> ~a.* ~a.>",
		"a.*":   "=a.* ^ ^a ^a. ~*.* ~*.> ~> ~a.* ~a.>",
		"a.>":   "=a.> ^ ^a ^a. ~*.* ~*.> ~> ~a.* ~a.>",
		"a.b.c": "^ ^a ^a. ^a.b ^a.b.c ~*.> ~*.b.* ~> ~a.*.c ~a.> ~a.b.>",
		"*.b":   "^ ~*.* ~*.> ~*.b ~>",
		">":     "^ ~* ~>",
		"x..":   "^ ~*.> ~>",
	} {
		got := x.Append([]string{"before"}, topic)
		if got[0] != "before" {
			t.Errorf("Append(%q) lost what was there", topic)
		}
		slices.Sort(got[1:])
		if got := strings.Join(got[1:], " "); got != want {
			t.Errorf("Append(%q) = %q, want %q", topic, got, want)
		}
	}
}

func TestIndexCountsEveryAdd(t *testing.T) {
	t.Parallel()
	for _, s := range []match.Selector{match.Exact("a.b"), match.Prefix("a."), pattern(t, "a.*")} {
		var x match.Index[int]
		m := indexModel{t: t, x: &x}
		for _, v := range []int{1, 1, 2, 1} {
			m.add(s, v)
			m.compare("a.b")
		}
		for _, v := range []int{3, 1, 2, 2, 1, 1, 1} {
			m.remove(s, v)
			m.compare("a.b")
		}
	}
}

func TestIndexAllStopsWhenAsked(t *testing.T) {
	t.Parallel()
	var x match.Index[int]
	for i := range 2 {
		x.Add(match.Exact("a"), i)
		x.Add(match.Prefix("a"), i)
		x.Add(match.Prefix("ab"), i)
		for _, p := range []string{"*", "*.*", ">", "a.*", "*.a", "a.>"} {
			x.Add(pattern(t, p), i)
		}
	}
	for most := 1; most <= x.Len(); most++ {
		n := 0
		for range x.All { // panics when All goes on
			if n++; n == most {
				break
			}
		}
		if n != most {
			t.Errorf("All yielded %d values of %d", n, most)
		}
	}
}

func TestIndexAppendDoesNotAllocate(t *testing.T) {
	var x match.Index[int]
	for i, s := range []match.Selector{match.Exact("a.b"), match.Exact("a.b"), match.Prefix("a"), pattern(t, "*.b"), pattern(t, "a.>")} {
		x.Add(s, i)
	}
	dst := make([]int, 0, x.Len())
	if n := testing.AllocsPerRun(100, func() { dst = x.Append(dst[:0], "a.b") }); n != 0 || len(dst) != x.Len() {
		t.Errorf("Append of %d values allocates %v times", len(dst), n)
	}
}
