package subscriber_test

import (
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// Nothing is begun with a context that has ended: what waits when a subscription or its bus is closed is abandoned, however quickly the
// handlers that run return.
func TestCloseBeginsNothing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]subscriber.Options{
		"one worker":  {},
		"drop oldest": {Overflow: bus.DropOldest},
		"workers":     {Workers: 2},
	} {
		for _, what := range []string{"subscription", "bus"} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				for range 200 {
					synctest.Test(t, func(t *testing.T) {
						b := bustest.New(t)
						bustest.AllowUndelivered(t, b)
						s := subscribe(t, b, numbers, bustest.NewSubscriber[int](t, bustest.Always(bustest.Block())).Handle, &o)
						publish(t, newPublisher(t, b), 1, 2, 3, 4, 5, 6)
						synctest.Wait()
						end := s.Close
						if what == "bus" {
							end = b.Close
						}
						if err := end(); err != nil {
							t.Error(err)
						}
						<-s.Done()
						running := uint64(max(o.Workers, 1))
						expect(t, what, s.Stats(), subscriber.Stats{Failed: running, Abandoned: 6 - running})
					})
				}
			})
		}
	}
}
