package subscriber

import (
	"cmp"
	"time"

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
	// Workers is how many handlers run at the same time, at most: 1 to 65,536. With more than one, events with a key (topic.WithKey) are
	// handled in order for each key; those without one are begun in order, but may overtake each other. Default: 1.
	Workers int
	// Queue is how many events wait, at most: 1 to 16,777,216. Default: 1024.
	Queue int
	// Overflow is what happens to events that find the queue full. Default: bus.Block for events published on the same bus,
	// bus.DropOldest for events from a transport.
	Overflow bus.Overflow
	// BlockTimeout is how long a Publish waits for room under bus.Block, at most; then it fails with a *bus.FullError, and an event from
	// the transport is dropped. Default: for ever.
	BlockTimeout time.Duration
	// Group is the name of a group. Subscriptions to the same selector in the same group share its events: one of them gets each, and
	// as long as the members stay the same, one of them gets all of a key. Their queues add up; their Overflow and BlockTimeout
	// must be the same. On a bus with a transport see LocalGroup. Default: none.
	Group string
	// LocalGroup says that the group is one of this bus, on a bus with a transport: each bus with members of the group gets every event.
	// Without it such a group is refused with a *bus.UnsupportedError, unless the transport knows groups. Default: false.
	LocalGroup bool
	// Inline has publishers call the handler themselves, after the event was appended to all queues, and gives them its error. There is
	// no queue: Workers, Queue, Overflow and Group must be left alone. The handler's context is that of the Publish. Several publishers
	// may call it at the same time. Default: false.
	Inline bool
	// Middleware wraps the handler, the first one outermost, inside of bus.Options.Subscribe.
	Middleware []bus.Middleware
}

// withDefaults returns a copy with all defaults filled in, or an error.
func (o *Options) withDefaults(b *bus.Bus, selector string) (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Name == "" {
		c.Name = cmp.Or(selector, "everything")
	}
	if err := c.check(b); err != nil {
		return c, err
	}
	c.Workers, c.Queue = cmp.Or(c.Workers, 1), cmp.Or(c.Queue, defaultQueue)
	return c, nil
}

// check returns an error for the first option outside its limits, or that b cannot fulfil.
func (o *Options) check(b *bus.Bus) error {
	blocks := o.Overflow == bus.Block || o.Overflow == 0
	switch {
	case o.Workers < 0 || o.Workers > maxWorkers:
		return &bus.OptionError{Field: "subscriber.Options.Workers", Value: o.Workers, Limit: "1 to 65536, or 0 for 1"}
	case o.Queue < 0 || o.Queue > maxQueue:
		return &bus.OptionError{Field: "subscriber.Options.Queue", Value: o.Queue, Limit: "1 to 16777216, or 0 for 1024"}
	case !o.Overflow.Valid():
		return &bus.OptionError{Field: "subscriber.Options.Overflow", Value: uint8(o.Overflow), Limit: "one of the policies of package bus, or 0"}
	case o.BlockTimeout < 0 || o.BlockTimeout > 0 && !blocks:
		return &bus.OptionError{Field: "subscriber.Options.BlockTimeout", Value: o.BlockTimeout, Limit: "0, or more than 0 with Overflow bus.Block"}
	case o.LocalGroup && o.Group == "":
		return &bus.OptionError{Field: "subscriber.Options.LocalGroup", Value: true, Limit: "false without Group"}
	case o.Inline && (o.Workers != 0 || o.Queue != 0 || o.Overflow != 0 || o.Group != "" || o.BlockTimeout != 0):
		return &bus.OptionError{Field: "subscriber.Options.Inline", Value: true, Limit: "used without Workers, Queue, Overflow, BlockTimeout and Group: there is no queue"}
	case o.Group != "" && !o.LocalGroup && b.Transport() != nil:
		return &bus.UnsupportedError{Feature: "subscriber.Options.Group", Reason: "the transport has no groups that span processes; with LocalGroup it is one of this bus"}
	}
	return nil
}

// policies returns what a full queue means for events of this bus and for events from its transport.
func (o *Options) policies(remote bool) (local, fromTransport lane.Policy) {
	switch o.Overflow {
	case bus.DropOldest:
		return lane.DropOldest, lane.DropOldest
	case bus.DropNewest:
		return lane.DropNewest, lane.DropNewest
	case bus.Latest:
		return lane.Latest, lane.Latest
	case bus.Fail:
		return lane.Fail, lane.Fail
	case bus.Block:
		return lane.Block, lane.Block
	}
	if remote {
		return lane.Block, lane.DropOldest
	}
	return lane.Block, lane.Block
}

// plain reports whether the subscription can read a log: nothing is ever taken out of its queue but by its one worker.
func (o *Options) plain(remote bool) bool {
	if o.Workers > 1 || o.Group != "" {
		return false
	}
	if remote { // with a timeout, events from the transport are dropped
		return o.Overflow == bus.Block && o.BlockTimeout == 0
	}
	return o.Overflow == 0 || o.Overflow == bus.Block || o.Overflow == bus.Fail
}
