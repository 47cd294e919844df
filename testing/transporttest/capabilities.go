package transporttest

import (
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/transport"
)

// Capabilities say which parts of the contract a transport keeps; what all of them must keep has no flag. A flag is an obligation: its
// checks run, and nothing excuses a failure. The zero value is a transport that carries events and no more.
type Capabilities struct {
	// Order: the messages of one publisher reach each peer in the order in which they were published. Without it, what arrives although it
	// must not may go unnoticed: it may come after what was published behind it.
	Order bool
	// Acknowledgement: what a worker tells of tasks, done or not done, reaches their producer. It needs Tasks.
	Acknowledgement bool
	// Groups: of several servers each request goes to one, chosen as [transport.Exchange] says, and of several workers each task
	// goes to the one that it was sent to. It needs Requests or Tasks, and is checked for those that are set.
	Groups bool
	// Durability: the transport is a [transport.Retainer]. What it keeps reaches who subscribes later.
	Durability bool
	// Requests: the transport is a [transport.Requester].
	Requests bool
	// Tasks: the transport is a [transport.Tasker]. Each transport of the network must push and pull.
	Tasks bool
}

// within reports whether all flags of c are set in other.
func (c Capabilities) within(other Capabilities) bool {
	return (!c.Order || other.Order) && (!c.Acknowledgement || other.Acknowledgement) && (!c.Groups || other.Groups) &&
		(!c.Durability || other.Durability) && (!c.Requests || other.Requests) && (!c.Tasks || other.Tasks)
}

// check says which flags do not fit each other, or what tr implements.
func (c Capabilities) check(tr transport.Transport) error {
	var found []error
	if c.Acknowledgement && !c.Tasks {
		found = append(found, errors.New("the flag Acknowledgement is set without Tasks: acknowledgements are about tasks"))
	}
	if c.Groups && !c.Requests && !c.Tasks {
		found = append(found, errors.New("the flag Groups is set without Requests or Tasks: groups share those"))
	}
	_, retains := tr.(transport.Retainer)
	_, requests := tr.(transport.Requester)
	_, tasks := tr.(transport.Tasker)
	for _, flag := range []struct {
		name, of    string
		set, exists bool
	}{
		{"Durability", "Retainer", c.Durability, retains},
		{"Requests", "Requester", c.Requests, requests},
		{"Tasks", "Tasker", c.Tasks, tasks},
	} {
		switch {
		case flag.set && !flag.exists:
			found = append(found, fmt.Errorf("the flag %s is set, but a %T is no transport.%s", flag.name, tr, flag.of))
		case flag.exists && !flag.set:
			found = append(found, fmt.Errorf("a %T is a transport.%s, but the flag %s is not set: that would go unchecked", tr, flag.of, flag.name))
		}
	}
	return errors.Join(found...)
}
