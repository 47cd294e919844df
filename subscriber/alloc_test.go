package subscriber_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// A typed event crosses the bus without an allocation, whatever kind of subscription it is for. Not parallel: AllocsPerRun counts the
// allocations of all goroutines.
func TestTypedPathDoesNotAllocate(t *testing.T) {
	for name, to := range map[string]struct {
		sel topic.Selector[order]
		o   subscriber.Options
	}{
		"exact":                  {orders, subscriber.Options{}},
		"prefix":                 {topic.NewPrefix[order]("ord"), subscriber.Options{}},
		"pattern":                {topic.NewPattern[order]("*"), subscriber.Options{}},
		"inline":                 {orders, subscriber.Options{Inline: true}},
		"inline prefix":          {topic.NewPrefix[order]("ord"), subscriber.Options{Inline: true}},
		"drop oldest":            {orders, subscriber.Options{Overflow: bus.DropOldest}},
		"latest by key":          {orders, subscriber.Options{Overflow: bus.Latest}},
		"workers by key":         {orders, subscriber.Options{Workers: 4}},
		"group by key":           {orders, subscriber.Options{Group: "g"}},
		"workers of many topics": {topic.NewPrefix[order](""), subscriber.Options{Workers: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			b := bustest.New(t)
			handled := make(chan struct{}, 100)
			subscribe(t, b, to.sel, func(context.Context, topic.Event[order]) error {
				handled <- struct{}{}
				return nil
			}, &to.o)
			p, ctx := publisherOf(t, b, orders), t.Context()
			customers := []string{"ada", "bob", "eve"}
			n := 0
			cross := func() {
				n++
				if err := p.Publish(ctx, order{customers[n%len(customers)], n}); err != nil {
					t.Error(err)
				}
				<-handled
			}
			for range 100 {
				cross()
			}
			runtime.GC()
			cross()
			if allocs := testing.AllocsPerRun(1000, cross); allocs > 0 {
				t.Errorf("%v allocations an event", allocs)
			}
		})
	}
}
