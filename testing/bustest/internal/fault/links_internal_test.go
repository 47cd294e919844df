package fault

import "testing"

func TestLinks(t *testing.T) {
	t.Parallel()
	var l links[string, int]
	if got := l.find("a", true); got != 0 {
		t.Errorf("before there is any: %d", got)
	}
	l.add("a", 1)
	l.add("b", 2)
	for _, gone := range []bool{false, true} {
		if a, b := l.find("a", gone), l.find("b", false); a != 1 || b != 2 {
			t.Errorf("%d and %d", a, b)
		}
	}
	if a, b := l.find("a", false), l.find("b", false); a != 0 || b != 2 {
		t.Errorf("when a is gone: %d and %d", a, b)
	}
}
