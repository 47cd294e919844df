package transporttest

import (
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
)

// Checks returns the names of all checks.
func Checks() []string {
	var names []string
	for _, p := range parts() {
		for _, c := range p.checks {
			names = append(names, c.name)
		}
	}
	return names
}

// Contract returns the sentence that a check is about.
func Contract(name string) string {
	c, _ := find(name)
	return c.contract
}

// Check runs one check.
func Check(t testing.TB, name string, n Network) error {
	c, ok := find(name)
	if !ok {
		return fmt.Errorf("there is no check %q", name)
	}
	return c.check(t, n)
}

// Report runs one check as Run does.
func Report(t testing.TB, name string, n Network) {
	c, _ := find(name)
	c.report(t, n)
}

func find(name string) (check, bool) {
	for _, p := range parts() {
		for _, c := range p.checks {
			if c.name == name {
				return c, true
			}
		}
	}
	return check{}, false
}

// CheckCapabilities says what is wrong with the flags for a transport.
func CheckCapabilities(c Capabilities, tr transport.Transport) error { return c.check(tr) }

// Parts returns the checks that run for c.
func Parts(c Capabilities) (names []string) {
	for _, p := range parts() {
		if p.needs.within(c) {
			names = append(names, p.name)
		}
	}
	return names
}
