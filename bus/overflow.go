package bus

// Overflow says what happens to an event that finds the queue of a subscription full. The zero Overflow is Block for events
// published on the same bus, and DropOldest for events from a transport.
type Overflow uint8

const (
	_ Overflow = iota
	// Block makes Publish wait for room until its context ends. For events from a transport it stops the reading of the
	// transport, for all subscriptions of the bus.
	Block
	// DropOldest makes room by dropping the event that waits longest. It is counted.
	DropOldest
)

// String returns the name of the policy.
func (o Overflow) String() string {
	switch o {
	case 0:
		return "Block locally, DropOldest from a transport"
	case Block:
		return "Block"
	case DropOldest:
		return "DropOldest"
	}
	return "unknown overflow policy"
}
