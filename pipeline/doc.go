// Package pipeline hands tasks to workers, each to one of them, in the same process or in others, at least once.
//
//	var Resize = pipeline.NewTask[Image]("images.resize")
//
//	p, err := pipeline.NewProducer(b, Resize, nil)
//	err = p.Send(ctx, image)
//	err = p.Wait(ctx) // all of them are acknowledged
//
//	w, err := pipeline.NewWorker(b, Resize, func(ctx context.Context, im Image) error { … }, &pipeline.Options{Workers: 4})
//
// A task belongs to the bus that it was sent on until a worker has acknowledged it. Workers of the same bus get the value as it is;
// workers in other processes get it over the bus's transport (zmq.Options.Push and Pull), and tell how much they can take and what they
// have done. Producers, workers and collectors start in any order. A collector is simply a worker of the task that the results are.
//
// This page is the contract between the package and the code that uses it. Under each sentence are the tests that catch its breach; what
// is not promised here may change.
//
// # The contract of pipelines
//
//  1. At least once. A task that Send has accepted stays in the queue of its bus until a worker's handler has returned nil for it, and is
//     given again until then, whatever happens to workers, their processes and their connections. When nobody fails it is handled once.
//     The queue is in memory: what is in it when the process of the producer ends is lost, and [bus.Bus.Close] counts it as abandoned.
//     (TestTasksInOrder, TestBetweenProcesses, TestCutsLoseNothing, TestTasksProperty, TestTasks, TestClose)
//
//  2. Send returns when the task is in the queue. It waits while as many tasks of the producer as ProducerOptions.Queue are not done, until
//     its context ends; dead letters that nobody has handled count. From a handler of the same task on the same bus it does not wait but
//     returns a [*FullError]: it could wait for itself. A longer circle of stages that are all full waits until the context ends. After an
//     error the task was not sent.
//     (TestQueueFull, TestOnePlace, TestDeadLettersTakeRoom, TestSendFromOwnHandler, TestTooLarge, TestBadOptions)
//
//  3. Giving. The oldest task goes first, to the one that has the least in hand of those that can take it, in turns among equals: the
//     workers of the bus together are one, each connected process another. Nobody gets more than it has asked for. So a single worker
//     begins tasks in the order in which they were sent as long as none is given again; several workers overtake each other.
//     (TestTasksInOrder, TestCredit, TestCreditBeforeProducer, TestWhoHasLeastGetsMost, TestWorkersShare, TestFullConnection,
//     TestOwnAndForeignTasks, TestWorkerGivesCredit)
//
//  4. Failure. An error that leaves the handler's middleware chain, a panic, a handler that ends its goroutine, and a payload that does not
//     decode are logged, counted, and one failed attempt. The task is given again, to any worker, after Options.RetryDelay, which doubles
//     with each attempt up to 30 s, or after what [RetryAfter] asks for. It keeps its source, sequence and ID, and has the number of the
//     attempt ([Delivery.Attempt]). [bus.ErrFiltered] counts as filtered, and the task is done.
//     (TestRetries, TestLongDelays, TestWorkerTellsFailures, TestNack, TestMiddleware)
//
//  5. Loss. The tasks of a lost connection go to others at once, and that is a failed attempt. So do those that a worker in another process
//     has had for ProducerOptions.AckTimeout: to another worker, not to the same one. Whoever acknowledges first has done the task; what is
//     acknowledged later, or was never there, is counted and changes nothing. A handler may therefore see a task twice, and with
//     AckTimeout at the same time: it should be idempotent, or know the ID.
//     (TestLostConnection, TestAckTimeout, TestOverdueAndRefused, TestAckTimeoutNever, TestAcknowledgementsForNobody, TestCutsLoseNothing)
//
//  6. Dead letters. A task with ProducerOptions.Attempts failed attempts, or whose handler returned [DeadLetter], goes to the dead-letter
//     task on the producer's bus: with its value, its headers and its ID, and headers that tell why ([DeadLetterReason], [DeadLetterTask],
//     [DeadLetterAttempts]). A dead letter waits for a worker and is never given up.
//     (TestDeadLetters, TestDeadLettersTakeRoom, TestNack, TestBetweenProcesses)
//
//  7. Slow workers. A worker holds at most Options.Prefetch tasks for each of its handlers and each producer. What has waited there for 5 s
//     is given back without counting as an attempt, and the worker asks for no more than its handlers can begin until it has caught up. A
//     producer that sends more than it was asked for, or what cannot be read, loses its connection.
//     (TestSlowWorkerGivesBack, TestSlowLocalWorkerGivesBack, TestGivenBackIsAskedForAgain, TestStuckWorkerAsksForNothing, TestProducersAreHeldToTheirCredit, TestHostilePeers, TestCreditFlood)
//
//  8. Wait returns nil when every task that the producer sent before the call is acknowledged, or handed to a plain peer. It covers no later
//     ones, so it ends under load. When its context ends it says how many are left; when some went to the dead-letter task, it says so
//     after all others are done, and each is told by one Wait at least.
//     (TestWait, TestWaitIsForItsOwn, TestWaitTellsOfDeadLetters, TestEndedWaitIsToldNothing, TestDeadLetters)
//
//  9. Stages. A handler may send to the next task, and its input is acknowledged after that Send has accepted its output. The output is then
//     in the queue of the stage's bus, and dies with its process. A stage whose output must survive that calls Wait on the next task in its
//     handler, before it returns.
//     (TestStagesInAnyOrder, TestShutdownDrainsTasks, TestWaitInHandler)
//
//  10. Plain peers. The task of a producer that is Plain goes to plain PULL peers as well, as bare payload, in turns over those with room.
//     What was not written to a peer that leaves goes to others, in front of what waits; messages wait for a peer. A task that was written
//     is done: what a plain peer took and lost is the one loss. The same holds for peers of ours whose worker is Default when the task
//     goes to them in the plain form, which is so when they have no worker for its name. In the other direction a plain PUSH peer waits
//     while the worker that is Default has no room, and while there is none; what that worker fails is logged, counted, and not
//     tried again; and what it has not read when the bus ends is lost. What a peer of ours was asked for and sends after the end of that
//     worker waits for the next one that is Default.
//     (TestPlainPeersTakeTurns, TestWrittenMeanwhile, TestPlainPeerLeaves, TestPlainFormForOwnPeers, TestPlainIsOnce, TestDefaultWorker, TestPlainFormTooLate,
//     TestPlainProducerAtTheEnd, TestPlainPeersOverTCP, TestPlainFormBetweenProcesses)
//
//  11. The end. [bus.Bus.Shutdown] refuses Sends from outside of handlers, gives no more credit and gives back what other processes have
//     sent and nobody has begun, and then waits until every task of the bus is done, retries and dead letters included; what is left when
//     its context ends is in the [*bus.DrainError], by task and by worker. [bus.Bus.Close] ends at once. [Worker.Close] gives back what
//     was not begun, and finishes and acknowledges what was. The tasks of a closed [Producer] stay until they are done.
//     (TestShutdownDrainsTasks, TestShutdownNamesTasks, TestShutdownFromTaskHandler, TestShutdownOfWorkers, TestShutdownWaitsForAcknowledgements, TestClose,
//     TestClosedWorkerGivesBack, TestWorkerClosesItself, TestClosedProducer, TestTasksAreFlushed, TestEndsLoseNothing)
//
//  12. Counters. For each producer, sent = waiting + given + acknowledged + handed + dead letters + abandoned. For each worker, begun =
//     running + succeeded + failed + filtered, and for all workers of a task on a bus, received = held + begun + returned + abandoned. All
//     counters of a task are read at one moment.
//     (TestTasksProperty, TestCredit, TestShutdownNamesTasks, TestLostProducer)
//
// # Locks
//
// The hub of a bus, then the depot of a task. The bus asks depots while it holds its own lock, so they never call what takes that. Peers are
// written to under a depot's lock, which never waits; handlers are called without any.
package pipeline
