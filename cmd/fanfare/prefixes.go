package main

import (
	"slices"
	"strings"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
)

// prefixes are the values of --prefix.
type prefixes []string

// selectors returns what to subscribe to: everything when there is no prefix. A prefix that begins with another one is left out, so
// that no event is selected twice.
func (p prefixes) selectors() ([]topic.Prefix[[]byte], error) {
	if len(p) == 0 {
		p = prefixes{""}
	}
	var selectors []topic.Prefix[[]byte]
	sorted := slices.Sorted(slices.Values(p)) // a prefix comes right before everything that begins with it
	for i, text := range sorted {
		if i > 0 && strings.HasPrefix(text, selectors[len(selectors)-1].String()) {
			continue
		}
		selector, err := topic.ParsePrefix[[]byte](text)
		if err != nil {
			return nil, &usageError{&flagError{"--prefix", text, err}}
		}
		selectors = append(selectors, selector.WithCodec(codec.Raw))
	}
	return selectors, nil
}
