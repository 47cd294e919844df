package main

import (
	"slices"
	"testing"
)

func TestSelectors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		given prefixes
		want  []string
	}{
		"none":     {nil, []string{""}},
		"one":      {prefixes{"a"}, []string{"a"}},
		"apart":    {prefixes{"b", "a"}, []string{"a", "b"}},
		"same":     {prefixes{"a", "a"}, []string{"a"}},
		"nested":   {prefixes{"a.b.c", "a", "a.b", "b"}, []string{"a", "b"}},
		"all":      {prefixes{"a", ""}, []string{""}},
		"siblings": {prefixes{"a.b", "a.c", "a-"}, []string{"a-", "a.b", "a.c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			selectors, err := tc.given.selectors()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range selectors {
				got = append(got, s.String())
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
