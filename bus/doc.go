// Package bus carries events from publishers to subscriptions, inside a process and, through a transport, between processes.
//
// A [Bus] knows no event types: packages publisher and subscriber put types on top of it. This page is the contract between
// the bus and the code that uses it. Under each sentence are the tests that catch its breach; what is not promised here may change.
//
// # The delivery contract
//
//  1. Order. What one bus publishes to one topic reaches each subscription with a single worker in that order. With several
//     workers, order holds for each key (topic.WithKey, publisher.Key), whatever the topic: events of one key are handled one
//     after the other, and one that takes long or is tried again delays only events of its own key as long as another worker
//     is free. Events without a key are begun in order, and may overtake each other. Not more than Queue events wait in all.
//     (TestOrder, TestWorkersBeginInOrderAndRunInParallel, TestKeysInOrderAndInParallel, TestKeysOverSeveralTopics,
//     TestRetryDelaysOnlyItsKey, TestEventsWithoutKeySpread, TestKeysShareTheQueue)
//
//  2. Isolation. On the bus that publishes, every matching subscription gets every event. The members of a group share: one of
//     them gets it, for a key always the same one while they are the same members, and one that is closed hands on what it has
//     not begun. A handler that is slow, blocked, panicking, or ends its goroutine never delays or starves another
//     subscription, except through [Block]: then publishers wait, and a [Slow] notice names the subscription. A [Slow] notice
//     also tells of a handler that takes long; handlers pay nothing for being watched.
//     (TestEveryMatchingSubscriptionGetsEveryEvent, TestForeignSubscriptionMissesNothing, TestGroupShares,
//     TestGroupMembersKeepTheirKeys, TestLeavingAGroup, TestIsolation, TestBlock, TestSlowNoticeUnderContention,
//     TestSlowHandler, TestQuickHandlers)
//
//  3. Overflow is a named choice of each subscription. [Block], the default for events published on the same bus, makes
//     Publish wait for room until its context ends, or the subscription's timeout. [DropOldest], the default for events from a
//     transport, drops what waits longest, [DropNewest] the event itself, [Latest] what it replaces: the event before it of
//     the same topic and key. [Fail] makes Publish fail. What is dropped is counted, and told by a [Dropped] notice at most
//     once a second. Admission comes first: Publish asks all subscriptions that fail, and waits for room in all that block,
//     before the event is appended anywhere. A Publish that returns an error has delivered to no subscription of this bus and
//     has used no sequence number, unless the error is an [*InlineError] or that of a publish middleware that had handed the
//     event on. Block and Fail reach only publishers of the same bus. Events from a transport are dropped by Fail as by
//     DropNewest; Block stops the reading of the transport, so all subscriptions of the bus wait and memory is bounded by the
//     transport's own queue, and after the timeout it drops. Nothing that was published under Block is dropped for an event
//     from the transport.
//     (TestOverflowProperty, TestBlock, TestBlockTimeout, TestDropOldest, TestLossyPolicies, TestFail, TestDroppedNotices,
//     TestAdmissionComesFirst, TestFailComesBeforeBlock, TestMiddlewareRefuses, TestLossyPoliciesOfATransport,
//     TestRemoteEventsCanBlock, TestBlockTimeoutOfATransport, TestNothingUnderBlockIsDroppedForATransport, TestFlood)
//
//  4. Publishing without a subscriber succeeds. Publishing from inside a handler is legal, to the same topic as well. With
//     Block it waits like any publish, unless waiting could never end: if every worker of the full subscription is itself
//     waiting in a Publish, directly or through other subscriptions, or may take nothing because all that waits is of keys
//     that those are at, Publish returns a [*CycleError], which is [ErrFull], names the subscriptions, and has delivered to
//     nobody. The bus knows a handler by its context, and takes a handler to wait for every publish with it, those of
//     goroutines that the handler has started included. A publish from a handler with a context that is not derived from the
//     handler's waits until that context ends, and a Slow notice reports it. A handler may subscribe, close subscriptions, its
//     own included, and end the bus.
//     (TestPublishWithoutSubscriber, TestPublishFromHandler, TestPublishFromHandlerNeverDeadlocks, TestCyclesProperty,
//     TestNoCyclesProperty, TestCyclesWithEndsProperty, TestGraphAgainstModel, TestPublishFromHandlerWithForeignContext,
//     TestShutdownFromHandler, TestLogCloseInAHandler)
//
//  5. Errors. What leaves a handler's middleware chain is logged and counted, but for [ErrFiltered], which is only counted. A
//     panic becomes a [*PanicError]. A handler that calls runtime.Goexit counts as failed and is logged, and another
//     goroutine goes on. A batch fails as a whole, unless its handler returns a [*BatchError]. Nothing ends the process.
//     (TestErrorsAreLogged, TestFiltered, TestGoexitWithPanic, TestGoexitInInlineHandler, TestIsolation, TestBatchHandlerErrors)
//
//  6. Through a transport delivery is at most once. The source of an event is the bus that published it, a UUID made by [New];
//     its sequence is counted for each source and topic, from 1, and assigned after the publish middleware, in the order in
//     which events reach the transport. A receiver tracks (source, topic) for at most 65,536 pairs; the least recently used go
//     first, and that is counted. The first event of a pair sets the base. A sequence above last+1 is a [Gap] notice; one at
//     or below last is a duplicate, dropped and counted. A pair survives a reconnect. The first event of another source on a
//     known topic is a [NewSource] notice. What is lost after the last event received shows with the next event of that source
//     and topic, and never if its publisher is gone. An event whose source is the receiving bus is dropped and counted as
//     echo: it was delivered already. Plain peers send neither source nor sequence, so there is no such notice about them;
//     events that are published to a transport in the plain form, or on a bus with a transport to that bus alone, have no
//     sequence either.
//     (TestSequences, TestGap, TestCut, TestRedundantWay, TestTrackedPairsAreBounded, TestNoGapWhileNotSubscribed,
//     TestKnownSourcesStayKnown, TestEcho, TestMesh, TestMeshThroughProxy, TestPlainPeers, TestReach, TestWire)
//
//  7. Readiness. A subscription's Ready returns when every endpoint that this side dials has completed its handshake and every
//     peer connected then has the subscription: our own peers have confirmed it, to plain ones it has been sent. When its
//     context ends, the error lists what is missing. A side that binds uses WaitPublishers. A publisher's WaitSubscribers
//     counts each matching subscription of its bus once, and each remote connection once that is subscribed to a prefix of the
//     topic.
//     (TestReadiness, TestPending, TestSubscriptionsAreCounted, TestWaitInProcess)
//
//  8. Pipelines. Tasks between our own peers, and inside a process, are done at least once; towards plain peers nothing queued is
//     dropped because a peer left, and what a plain peer took and lost is the one loss: the contract in package pipeline.
//     (TestCutsLoseNothing, TestTasksProperty, TestPlainPeerLeaves)
//
//  9. [Bus.Shutdown]: publishes from outside are refused at once; publishes with a handler's context are accepted until the
//     last handler has returned. When the queues are empty the transport flushes and closes. What could not be done before the
//     context ended is in the [*DrainError], for each subscription and each peer. Called with a handler's context, Shutdown
//     begins and returns [ErrInHandler]; the channel of [Bus.Done] tells the end. [Bus.Close] cancels the contexts of
//     handlers, counts what is queued as abandoned, and returns when everything but handlers that still run has ended; Done is
//     closed after those.
//     (TestShutdownDrains, TestShutdownRefusesWaitingPublishers, TestShutdownFlushes, TestShutdownNamesPeer,
//     TestShutdownTellsWhatIsLeft, TestShutdownFromHandler, TestShutdownTogether, TestClose,
//     TestDoneWaitsForHandlersOfClosedSubscriptions, TestEverythingReturnsErrClosed)
//
//  10. Ownership. Publish takes the value: neither it nor anything it points to may be changed afterwards, and handlers treat
//     it as read-only. A [*Message] belongs to the call and is used again when the handler has returned; [Message.Clone] keeps
//     it. So a middleware returns only after next has returned. The bytes that a handler of []byte gets are never used again.
//     (TestCloneKeepsAMessage, TestMiddlewareLeavesOtherEvents, TestEncodedEventsAreNotOverwritten, TestMessagesStay)
//
//  11. Inline. A subscription that is inline has no queue: its handler runs in the publisher's goroutine, after the event was
//     appended for all others, and its error comes back from Publish in an [*InlineError]: the event was delivered. Publishers
//     wait for it, its context is theirs, several may call it at once, and the watchdog does not see it. More than 64 inline
//     handlers that publish from within each other are a [*RecursionError]. For events from the transport the receiving
//     goroutine calls it.
//     (TestInlineRunsInThePublish, TestInlineErrorsComeBack, TestInlineContextIsThePublishers, TestInlineRecursionIsBounded,
//     TestInlineInTheWaitForGraph, TestInlineForEventsFromTransport, TestShutdownWaitsForInlineCalls)
//
//  12. Counters. For each subscription, matched = queued + running + succeeded + failed + filtered + dropped + abandoned, all
//     read at one moment; queued and running are measured. What waits for a group counts with its first member. For each bus:
//     published, refused, unmatched, echo, duplicate, and more in [Stats].
//     (TestCountersProperty, TestCountersBalanceAtEveryMoment, TestGroupShares, TestEventsCount, TestNothingDropped)
//
//  13. Retained events. What a publisher retains comes to subscriptions made later before everything published since: on the
//     same bus, however little room they have, and on our own peers, where it is exempt from the rules of sentence 6 as
//     docs/wire.md says. Of a group only the first member gets it.
//     (TestRetained, TestRetainedKeys, TestRetainedWithoutRoom, TestRetainedForGroups, TestBusRetains,
//     TestSequencesOfRetainedEvents, TestRetainedForLatecomers)
//
// The numbers are those of the whole contract in docs/architecture.md.
//
// # Locks
//
// Bus, then routes, then what they lead to in the order of their IDs, then the roster. The wait-for graph comes before what
// routes lead to, and nobody who holds any of the others locks it. Only Shutdown and a new subscription hold more than one
// route. None is held while waiting, while a handler or a notice callback runs, or while a peer is written to.
package bus
