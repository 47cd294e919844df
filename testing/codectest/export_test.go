package codectest

import (
	"fmt"

	"github.com/fanfare-go/fanfare/codec"
)

// Rules returns the names of all rules.
func Rules() []string {
	var names []string
	for _, r := range rules() {
		names = append(names, r.name)
	}
	return names
}

// CheckRule checks one rule. The others may find data races in codecs that are broken on purpose.
func CheckRule(name string, c codec.Codec, cases Cases) error {
	for _, r := range rules() {
		if r.name == name {
			return r.check(subject{c, cases})
		}
	}
	return fmt.Errorf("there is no rule %q", name)
}
