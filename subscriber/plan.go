package subscriber

import (
	"slices"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/lane"
)

// middlewareField is the option that the middleware of a subscription stands in.
const middlewareField = "subscriber.Options.Middleware"

// Plan is what [bus.Bus.Explain] asks for, inside the module.
func (s *Subscription) Plan() (e bus.Explanation, field string, own []bus.Middleware) {
	return s.plan, middlewareField, s.own
}

// explain returns what is to be said of a subscription with these options on b, and a copy of its middleware. batches is nil if it takes none.
func (o *Options) explain(b *bus.Bus, topics string, batches *lane.Batch) (bus.Explanation, []bus.Middleware) {
	e := bus.Explanation{Role: bus.RoleSubscriber, Name: o.Name, Topics: topics, Group: o.Group, Local: bus.Once, BlockTimeout: o.BlockTimeout}
	if b.Transport() != nil {
		e.Remote = bus.AtMostOnce
	}
	if batches != nil {
		e.Batch = batches.Size
	}
	if !o.Inline {
		e.Workers, e.Queue = o.Workers, o.Queue
		e.LocalPolicy, e.RemotePolicy = o.Overflow, o.Overflow
		switch o.Overflow {
		case 0:
			e.LocalPolicy, e.RemotePolicy = bus.Block, bus.DropOldest
		case bus.Fail:
			e.RemotePolicy = bus.DropNewest
		case bus.DropOldest, bus.DropNewest, bus.Latest:
			e.Local = bus.AtMostOnce
		}
		if e.Remote == bus.Never {
			e.RemotePolicy = 0
		}
	}
	return e, slices.Clone(o.Middleware)
}
