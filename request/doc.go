// Package request asks questions and answers them: typed requests and replies, inside a process and, through a transport, between
// processes.
//
//	var Quote = request.NewCall[QuoteRequest, QuoteReply]("billing.quote")
//
//	srv, err := request.Serve(b, Quote, func(ctx context.Context, q QuoteRequest) (QuoteReply, error) { … }, nil)
//
//	cl, err := request.NewClient(b, Quote, &request.Options{Timeout: time.Second, Attempts: 3})
//	reply, err := cl.Do(ctx, QuoteRequest{…})
//
// # The contract
//
// Under each sentence are the tests that catch its breach; what is not promised here may change.
//
//  1. Replies. Do returns the reply to its own request or an error, never the reply to another one. A client has as many requests under
//     way as there are calls of Do. A reply that comes late, or with a number that nobody waits for, is dropped and counted
//     (transport.Stats.LateReplies).
//     (TestEachGetsItsOwnReply, TestLateReplies, TestStorm)
//
//  2. Time and attempts. Timeout, or an earlier deadline of the context, bounds the whole Do. A request is sent up to Attempts times. Each
//     attempt waits for an equal part of the time that is left, and no longer: but a reply to an earlier attempt counts as long as Do
//     waits. A lost connection begins the next attempt at once. All attempts of a request have the same number. With one attempt a request is
//     handled at most once. Time without any server is no attempt.
//     (TestTimeoutBoundsAllAttempts, TestLostConnectionStartsTheNextAttempt, TestReplyToAnEarlierAttempt, TestOneAttempt,
//     TestServerComesLater, TestServerDiesBeforeHandling, TestServerDiesWhileHandling, TestServerDiesAfterHandling, TestServerStops)
//
//  3. Failure. Without a reply within time and attempts the error is [ErrTimeout]: the request may have been handled. If no server was
//     connected at any time it is [ErrNoServer], when the time is over: nobody has handled it. What a server answers instead of a reply is a
//     [*RemoteError]. When the context is cancelled, Do returns its error at once.
//     (TestTimeoutBoundsAllAttempts, TestNoServer, TestRemoteErrors, TestCancel)
//
//  4. Several servers. A request goes to the connected server with the fewest of this process's requests under way, and to another one
//     when it is tried again, if there is another. A server that is overloaded, is ending, or does not serve the call is passed over for
//     those that were not asked yet; when all have refused, they are asked again after a short pause as long as attempts are left.
//     (TestLoadIsBalanced, TestServersShare, TestAnotherServerAnswers, TestRefusals, TestAllRefuse)
//
//  5. Repeated requests. A handler may see a request again that was tried again. With [Idempotent] a server runs it once for all attempts that
//     reach it, and answers the others with the reply of the first, as long as it remembers: a number of replies, in memory.
//     (TestIdempotent, TestIdempotentForgets, TestIdempotentAcrossConnections, TestIdempotentOverCut)
//
//  6. Giving up. The deadline of a request travels with it, as time that is left. The context of a handler ends then, when the client's context
//     is cancelled, and when the connection to the client is lost, unless the server is [Idempotent]: then the client may come back for
//     the reply. It ends with the server and the bus as well. A request whose deadline passes while it waits is not handled.
//     (TestDeadlineTravels, TestTimeThatTravelsIsRoundedUp, TestCancelReachesTheHandler, TestClientGone, TestClientDies, TestExpired)
//
//  7. Handlers. Up to Workers of a server run at the same time, in no order; up to Queue further requests from other processes wait, and beyond
//     that they are answered with [CodeOverloaded]. The error of a handler becomes a [*RemoteError]: itself if it is one, with [CodeDeadline] or
//     [CodeCancelled] for those of contexts, else with [CodeFailed]. A panic, or a call of runtime.Goexit, becomes [CodeInternal] and is
//     logged; nothing ends the process. The chains of middleware of both buses and both sides are called around it, and see
//     requests.
//     (TestRemoteErrors, TestWorkers, TestOverloaded, TestPanicAndGoexit, TestMiddleware)
//
//  8. In one process. If a server of the call is on the bus of the client, Do calls its handler in its own goroutine, without encoding if the Go
//     types are the same, and returns when it has returned; its context ends as sentence 6 says. There is one attempt, and everything
//     else is the same. Without such a server Do asks other processes, and waits for either.
//     (TestInProcess, TestInProcessTimeout, TestOtherTypes, TestServerComesLater, TestRecursion)
//
//  9. Plain peers. A request without the name of a call, as REQ and DEALER sockets of any ZeroMQ library send it, goes to the server marked
//     Default, all its frames the payload, and always gets an answer: the reply, or PlainError, and then the log has the reason. A server that
//     is not ours gets the payload alone, and what it answers is the reply.
//     (TestPlainRequests, TestPlainFailuresAreLogged, TestPlainServers, TestPlainClients, TestPlainOption, TestAskREP, TestServeREQ, TestREPKilled, TestREQKilled)
//
//  10. The end. [bus.Bus.Shutdown] refuses requests from outside, waits for those under way and for handlers, and flushes the replies;
//     requests that arrive meanwhile are answered with CodeOverloaded, and so are those that wait when [bus.Bus.Close] or [Server.Close] is
//     called. Both end the contexts of handlers. A handler that returns an error while its bus is being closed leaves the request without
//     an answer: for a client in another process the connection is lost, and it tries again if it may. What is used afterwards returns
//     [bus.ErrClosed].
//     (TestShutdown, TestShutdownTellsWhatIsLeft, TestClose, TestClosingRefusesWhatWaits, TestClosingIsALostConnection, TestServerClose,
//     TestClosingEndsLocalHandlers)
//
//  11. Counters. The equations of [ServerStats] and [ClientStats] hold at every moment.
//     (TestCounters)
package request
