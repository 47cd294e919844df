// Package middleware holds behaviour that many handlers and publishers share, one file for each.
//
// A middleware wraps a handler. The same values serve those who handle events, requests and tasks (bus.Options.Subscribe, and Middleware in the
// options of a subscription, server or worker) and those who send them (bus.Options.Publish, and Middleware in the options of a publisher,
// client or producer). The docs/guide/middleware.md has a row for each: what it does, when to use it, and what it costs.
//
// # Order
//
// The first of a list is the outermost, and the list of the bus is outside of that of its parties:
//
//	bus.Options{Subscribe: {a, b}} and subscriber.Options{Middleware: {c, d}} call a(b(c(d(handler))))
//
// Each middleware of this module has its place, [bus.Phase], and a chain in another order is refused with a [*bus.OrderError] that names the two that
// are wrong and the right order:
//
//	cloudevents.Receive(Delay(Correlation(Log, tracing, metrics(DeadLetter(IgnoreErrors, DelayOnError(Upcast(Filter, Validate, Deduplicate(
//	    Retry(CircuitBreaker, Throttle, Bulkhead(Timeout(Recover(Fault, Duplicate(cloudevents.Send(handler)))))))))))))
//
// Those that are separated by commas may stand in any order among themselves. So an event is logged and counted once, however many attempts it takes;
// what has failed for good is set aside after the last attempt; an event that is refused is not tried again; each attempt has its own time and
// counts for the limits; and a panic is an error for all of them. Middleware of other programs has no phase unless it says so, and stands
// anywhere. In subscriber.Batch the chain is around each event until it is in its batch, and knows nothing of what becomes of the batch: Retry, DeadLetter and
// all others that look at errors are of no use there. [bus.Bus.Explain] tells the chain of a subscription and what follows from it.
package middleware
