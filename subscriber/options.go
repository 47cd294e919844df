package subscriber

import (
	"cmp"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/lane"
)

const (
	defaultQueue = 1024
	maxQueue     = 1 << 24
	maxWorkers   = 1 << 16
)

// Options are how a subscription works.
type Options struct {
	// Name names the subscription in logs, notices and errors. Default: its selector, or "everything" when that is the empty prefix.
	Name string
	// Workers is how many handlers run at the same time, at most: 1 to 65,536. With more than one, events are taken from the queue in order
	// but may overtake each other. Default: 1.
	Workers int
	// Queue is how many events wait, at most: 1 to 16,777,216. Default: 1024.
	Queue int
	// Overflow is what happens to events that find the queue full. Default: bus.Block for events published on the same bus,
	// bus.DropOldest for events from a transport.
	Overflow bus.Overflow
	// Middleware wraps the handler, the first one outermost, inside of bus.Options.Subscribe.
	Middleware []bus.Middleware
}

// withDefaults returns a copy with all defaults filled in, or a *bus.OptionError.
func (o *Options) withDefaults(selector string) (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Name == "" {
		c.Name = cmp.Or(selector, "everything")
	}
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.Queue == 0 {
		c.Queue = defaultQueue
	}
	switch {
	case c.Workers < 0 || c.Workers > maxWorkers:
		return c, &bus.OptionError{Field: "subscriber.Options.Workers", Value: c.Workers, Limit: "1 to 65536, or 0 for 1"}
	case c.Queue < 0 || c.Queue > maxQueue:
		return c, &bus.OptionError{Field: "subscriber.Options.Queue", Value: c.Queue, Limit: "1 to 16777216, or 0 for 1024"}
	case c.Overflow > bus.DropOldest:
		return c, &bus.OptionError{Field: "subscriber.Options.Overflow", Value: uint8(c.Overflow), Limit: "bus.Block or bus.DropOldest, or 0"}
	}
	return c, bus.CheckChain("subscriber.Options.Middleware", c.Middleware)
}

// policies returns what a full queue means for events of this bus and for events from its transport.
func policies(o bus.Overflow, remote bool) (local, fromTransport lane.Policy) {
	switch {
	case o == bus.DropOldest:
		return lane.DropOldest, lane.DropOldest
	case o == bus.Block || !remote:
		return lane.Block, lane.Block
	}
	return lane.Block, lane.DropOldest
}
