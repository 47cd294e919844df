package subscriber

import (
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/internal/match"
)

// groupKey is what the queue of a group is shared under: groups of the same name with other selectors are other groups.
type groupKey struct {
	name     string
	selector match.Selector
}

// placeInGroup makes the sink a member of a group. Events may come to it at once, and find their place.
func (s *sink[T]) placeInGroup(c lane.Config, o *Options) error {
	for {
		own, name := c, o.Group
		own.Name = name
		shared, release := s.bus.Share(groupKey{name, s.Selector()}, func() any { return s.newQueueLane(own, true) })
		l, ok := shared.(*queueLane[T])
		if !ok {
			release()
			return &bus.OptionError{Field: "subscriber.Options.Group", Value: name, Limit: fmt.Sprintf("a group of other subscriptions to events of type %s on %q", typeName[T](), s.selector)}
		}
		if err := o.differs(&l.queue.Gate, c); err != nil {
			release()
			return err
		}
		p := &queuePlace[T]{Consumer: lane.NewConsumer(l.queue, c, s.newHandler), queue: l, release: release}
		s.place = p
		if _, ok := p.Join(); !ok { // its last member has just left
			release()
			continue
		}
		return nil
	}
}

// differs returns an error for an option that is not that of the group's other members.
func (o *Options) differs(g *lane.Gate, c lane.Config) error {
	limit := fmt.Sprintf("that of the other members of group %q", o.Group)
	switch {
	case g.Policy != c.Local || g.Remote != c.Remote:
		return &bus.OptionError{Field: "subscriber.Options.Overflow", Value: o.Overflow.String(), Limit: limit}
	case g.Timeout != c.Timeout:
		return &bus.OptionError{Field: "subscriber.Options.BlockTimeout", Value: o.BlockTimeout, Limit: limit}
	}
	return nil
}
