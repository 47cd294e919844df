package bustest

import (
	"testing"

	"github.com/fanfare-go/fanfare/bus"
)

// The counters of a bus are never wrong, so that there is no test of New that finds them so.
func TestUnbalanced(t *testing.T) {
	t.Parallel()
	sound := bus.SubscriptionStats{Matched: 15, Succeeded: 1, Failed: 2, Filtered: 3, Dropped: 4, Abandoned: 5}
	if unbalanced(sound) {
		t.Errorf("%+v adds up", sound)
	}
	for name, change := range map[string]func(s *bus.SubscriptionStats){
		"one too many":  func(s *bus.SubscriptionStats) { s.Matched++ },
		"one too few":   func(s *bus.SubscriptionStats) { s.Matched-- },
		"still queued":  func(s *bus.SubscriptionStats) { s.Matched, s.Queued = 16, 1 },
		"still running": func(s *bus.SubscriptionStats) { s.Matched, s.Running = 16, 1 },
	} {
		s := sound
		change(&s)
		if !unbalanced(s) {
			t.Errorf("%s: %+v does not add up", name, s)
		}
	}
}
