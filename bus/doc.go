// Package bus carries events from publishers to subscriptions, inside a process and, through a transport, between processes.
//
// A [Bus] knows no event types: packages publisher and subscriber put types on top of it. This page is the contract between
// the bus and the code that uses it. Each numbered sentence group has tests of its own (see contract_test.go); what is not
// promised here may change.
//
// # The delivery contract
//
//  1. Order. What one bus publishes to one topic reaches each subscription with a single worker in that order. With several
//     workers events are taken from the queue in that order and handled in parallel.
//
//  2. Isolation. On the bus that publishes, every matching subscription gets every event. A handler that is slow, blocked,
//     panicking, or ends its goroutine never delays or starves another subscription, except through [Block]: then
//     publishers wait, and a [Slow] notice names the subscription.
//
//  3. Overflow is a named choice of each subscription. [Block], the default for events published on the same bus, makes
//     Publish wait for room until its context ends. [DropOldest], the default for events from a transport, drops what waits
//     longest and counts it. Admission comes first: Publish waits for room everywhere before the event is appended anywhere.
//     A Publish that returns an error has delivered to no subscription of this bus and has used no sequence number, unless
//     the error is that of a publish middleware that had handed the event on. Block
//     reaches only publishers of the same bus; chosen for events from a transport it stops the reading of the transport, so
//     all subscriptions of the bus wait and memory is bounded by the transport's own queue.
//
//  4. Publishing without a subscriber succeeds. Publishing from inside a handler is legal, to the same topic as well. With
//     Block it waits like any publish, unless waiting could never end: if every worker of the full subscription is itself
//     waiting in a Publish, directly or through other subscriptions, Publish returns a [*CycleError], which is [ErrFull], names
//     the subscriptions, and has delivered to nobody. The bus knows a handler by its context, and takes a handler to wait for
//     every publish with it, those of goroutines that the handler has started included. A publish from a handler with a
//     context that is not derived from the handler's waits until that context ends, and a Slow notice reports it.
//
//  5. Errors. What leaves a handler's middleware chain is logged and counted. A panic becomes a [*PanicError]. A handler that
//     calls runtime.Goexit counts as failed, and another goroutine goes on. Nothing ends the process.
//
//  6. Through a transport delivery is at most once. The source of an event is the bus that published it, a UUID made by [New];
//     its sequence is counted for each source and topic, from 1, and assigned after the publish middleware, in the order in which
//     events reach the transport. A receiver tracks (source, topic) for at most 65,536 pairs; the least recently used go first, and
//     that is counted. The first event of a pair sets the base. A sequence above last+1 is a [Gap] notice; one at or below last is a
//     duplicate, dropped and counted. A pair survives a reconnect. The first event of another source on a known topic is a
//     [NewSource] notice. What is lost after the last event received shows with the next event of that source and topic, and never
//     if its publisher is gone. An event whose source is the receiving bus is dropped and counted as echo: it was delivered
//     already. Plain peers send neither source nor sequence, so there is no such notice about them; events
//     that are published to a transport in the plain form have no sequence either.
//
//  7. Readiness. A subscription's Ready returns when every endpoint that this side dials has completed its handshake and every
//     peer connected then has the subscription: our own peers have confirmed it, to plain ones it has been sent. When its context
//     ends, the error lists what is missing. A side that binds uses WaitPublishers. A publisher's WaitSubscribers counts each
//     matching subscription of its bus once, and each remote connection once that is subscribed to a prefix of the topic.
//
//  9. [Bus.Shutdown]: publishes from outside are refused at once; publishes with a handler's context are accepted until the last
//     handler has returned. When the queues are empty the transport flushes and closes. What could not be done before the context
//     ended is in the [*DrainError]. Called with a handler's context, Shutdown begins and returns [ErrInHandler]; the channel of
//     [Bus.Done] tells the end. [Bus.Close] cancels the contexts of handlers, counts what is queued as abandoned, and returns when
//     everything but handlers that still run has ended; Done is closed after those.
//
//  10. Ownership. Publish takes the value: neither it nor anything it points to may be changed afterwards, and handlers treat it as
//     read-only. A [*Message] belongs to the call and is used again when the handler has returned; [Message.Clone] keeps it. So a
//     middleware returns only after next has returned. The bytes that a handler of []byte gets are never used again.
//
//  12. Counters. For each subscription, matched = queued + running + succeeded + failed + dropped + abandoned, all read at one
//     moment; queued and running are measured. For each bus: published, refused, unmatched, echo, duplicate, and more in [Stats].
//
// The numbers are those of the whole contract in docs/architecture.md; sentences 8 and 11, on pipelines and inline
// subscriptions, come with those.
//
// # Locks
//
// Bus, then route, then gates in the order in which they were attached, then the wait-for graph. Only Shutdown holds more than one route. None
// is held while waiting, while a handler or a notice callback runs, or while a peer is written to.
package bus
