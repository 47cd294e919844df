package bustest

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
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

// Of two buses the one that has sent goes first, and one with tasks before that, in whatever order they were opened.
func TestInOrderOfNeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		open := On(t, Memory())
		receives, sends, gives := open(), open(), open()
		AllowUndelivered(t, gives)
		events, tasks := topic.New[int]("numbers"), pipeline.NewTask[int]("numbers")
		Record(t, receives, events)
		pub, err := publisher.New(sends, events, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := pub.Publish(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		producer, err := pipeline.NewProducer(gives, tasks, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := producer.Send(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := []*bus.Bus{gives, sends, receives}
		for _, buses := range [][]*bus.Bus{{gives, sends, receives}, {receives, sends, gives}, {sends, receives, gives}} {
			if inOrderOfNeed(buses); !slices.Equal(buses, want) {
				t.Errorf("%s, %s, %s", buses[0].Name(), buses[1].Name(), buses[2].Name())
			}
		}
	})
}
