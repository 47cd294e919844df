package bus

import "fmt"

// Overflow says what happens to an event that finds the queue of a subscription full. The zero Overflow is Block for events
// published on the same bus, and DropOldest for events from a transport.
type Overflow uint8

const (
	_ Overflow = iota
	// Block makes Publish wait for room until its context ends, or for as long as the subscription lets it. For events from a
	// transport it stops the reading of the transport, for all subscriptions of the bus.
	Block
	// DropOldest makes room by dropping the event that waits longest. It is counted.
	DropOldest
	// DropNewest drops the event itself. It is counted.
	DropNewest
	// Latest lets one event of each topic and key wait, the newest: it takes the place of the one before, which is counted as
	// dropped. When the queue is full of others it drops the one that waits longest. Events of a topic without keys have one key.
	Latest
	// Fail makes Publish return a [*FullError]. For events from a transport it is DropNewest.
	Fail
)

// overflows are their names.
var overflows = [...]string{"Block locally, DropOldest from a transport", "Block", "DropOldest", "DropNewest", "Latest", "Fail"}

// Valid reports whether o is one of the policies, or zero.
func (o Overflow) Valid() bool { return int(o) < len(overflows) }

// String returns the name of the policy.
func (o Overflow) String() string {
	if !o.Valid() {
		return fmt.Sprintf("unknown overflow policy %d", uint8(o))
	}
	return overflows[o]
}
