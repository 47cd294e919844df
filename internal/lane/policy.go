// Package lane holds the bounded queues between publishers and the handlers of subscriptions.
//
// There are two kinds. A [Log] is what all plain subscriptions of a topic read: an event is appended to it once, and each [Reader] goes
// through it at its own pace. A [Queue] belongs to one subscription, or to the members of a group, and serves everything else:
// policies that drop, several workers, keys.
//
// An [Entry] is what a publisher sees of either: a lock and the question whether there is room. Publishers hold the lock of their topic's
// route, lock all entries that an event goes to, always in the same order, see that there is room in each, append to each, and
// unlock: an event reaches all of them or none (contract, sentence 3). A [Gate] is what publishers wait at, and a [Member] the
// subscription: its workers, its counters and its end.
//
// A queue without events has no goroutine; storage grows with the backlog and is given up when the backlog is gone.
package lane

import "time"

// Policy says what happens to an event that finds no room.
type Policy uint8

const (
	// Block makes the publisher wait for room.
	Block Policy = iota
	// DropOldest makes room by dropping what waits longest.
	DropOldest
	// DropNewest drops the event itself.
	DropNewest
	// Latest keeps the newest event of each topic and key. When all that wait differ, it drops what waits longest.
	Latest
	// Fail makes the publish fail. For events from a transport it is DropNewest.
	Fail
)

// Config describes a queue.
type Config struct {
	ID       uint64  // the order in which entries are locked
	Name     string  // names the subscription in errors and notices
	Site     uintptr // the program counter of the call that made it
	Graph    *Graph  // the wait-for graph of the bus
	Roster   *Roster
	Workers  int           // goroutines that handle events at the same time, at most
	Capacity int           // events that wait, at most
	Local    Policy        // for events published on this bus
	Remote   Policy        // for events from a transport
	Timeout  time.Duration // how long Block waits, 0: for ever
	Batch    *Batch        // nil: events are handled one by one
}
