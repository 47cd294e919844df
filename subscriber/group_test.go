package subscriber_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// A member that joins a group in which events wait handles them, before New has returned if need be.
func TestJoinGroupWithBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		release := make(chan struct{})
		blocked := func(context.Context, topic.Event[int]) error {
			<-release
			return nil
		}
		o := &subscriber.Options{Group: "g"}
		first, err := subscriber.New(b, numbers, blocked, o)
		if err != nil {
			t.Fatal(err)
		}
		p := newPublisher(t, b)
		for i := range 4 {
			if err := p.Publish(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		second, err := subscriber.New(b, numbers, ignore, o)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := first.Stats(); s.Running != 1 || s.Queued != 0 {
			t.Errorf("the first: %+v", s)
		}
		if s := second.Stats(); s.Succeeded != 3 {
			t.Errorf("the second: %+v", s)
		}
		close(release)
	})
}
