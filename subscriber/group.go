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
func (s *sink[T]) placeInGroup(c lane.Config, name string) error {
	for {
		own := c
		own.Name = name
		shared, release := s.bus.Share(groupKey{name, s.Selector()}, func() any { return s.newQueueLane(own, true) })
		l, ok := shared.(*queueLane[T])
		if !ok {
			release()
			return &bus.OptionError{Field: "subscriber.Options.Group", Value: name, Limit: fmt.Sprintf("a group of other subscriptions to events of type %s on %q", typeName[T](), s.selector)}
		}
		if g := &l.queue.Gate; g.Policy != c.Local || g.Remote != c.Remote || g.Timeout != c.Timeout {
			release()
			return &bus.OptionError{Field: "subscriber.Options.Overflow or BlockTimeout", Value: c.Name, Limit: fmt.Sprintf("that of the other members of group %q", name)}
		}
		p := &queuePlace[T]{Consumer: lane.NewConsumer(l.queue, c, s.newHandler), queue: l, release: release}
		s.place = p
		first, ok := p.Join()
		if !ok { // its last member has just left
			release()
			continue
		}
		p.late = !first
		return nil
	}
}
