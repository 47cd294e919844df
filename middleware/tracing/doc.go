// Package tracing makes spans of OpenTelemetry for events, requests and tasks, and hands their traces on in headers, so that what follows
// from one request is one trace over all processes that take part. It is a module of its own, since OpenTelemetry is large.
//
// The setup of a program, once:
//
//	exporter, err := otlptracegrpc.New(ctx)
//	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
//	defer provider.Shutdown(ctx) // after the bus: it still has spans to export
//	otel.SetTracerProvider(provider)
//
//	traced := []bus.Middleware{tracing.New(nil)}
//	b, err := bus.New(&bus.Options{Transport: tr, Publish: traced, Subscribe: traced})
//	defer b.Shutdown(ctx)
//	// From here on: pub.Publish(ctx, order), with the ctx of a span or of a handler, is part of its trace.
//
// # Spans
//
// They follow the semantic conventions of OpenTelemetry for messaging, version 1.43.0, for the messaging system "fanfare": the same names
// hold for what stays in a process and for what a transport carries.
//
//	who         span               kind      it lasts
//	publisher   send <topic>       producer  until the event is in every queue
//	producer    send <task>        producer  until the task is in the queue
//	client      send <call>        client    until the reply is there
//	subscriber  process <topic>    consumer  as long as the handler
//	worker      process <task>     consumer  as long as the handler
//	server      process <call>     server    as long as the handler
//
// A process span is a child of the send span, and linked to it. Each subscription makes a span of its own for an event. A handler's context
// has its span: what the handler publishes with it, and spans that it starts, are children of that.
//
// The spans of subscriber.Batch last until the event is in its batch, and the batch's handler has none of them.
//
// Attributes: messaging.system, messaging.operation.name and .type, messaging.destination.name, messaging.destination.subscription.name,
// messaging.message.id (where there is one: a request or task has none yet when it is sent), messaging.message.body.size (where the payload
// is encoded already: nothing is encoded for this), messaging.message.conversation_id (the correlation ID of [middleware.Correlation], which
// stands outside), error.type, and
//
//	messaging.fanfare.attempts  int   how many attempts middleware inside has made, if there was more than one
//	messaging.fanfare.filtered  bool  true if the event was not wanted (bus.ErrFiltered), which is no error
//
// An error sets the span's status, with the first 1024 bytes of its text. A panic, or the end of the handler's goroutine, passes through
// and leaves a span with an error. The process span of an event that [middleware.DeadLetter] has set aside has the error, and the
// send span of the dead letter as a child. The dead letter carries the trace of the event, so its own process span is a child of the first
// send span, beside the one that failed.
//
// [middleware.DeadLetter]: https://pkg.go.dev/github.com/fanfare-go/fanfare/middleware#DeadLetter
// [middleware.Correlation]: https://pkg.go.dev/github.com/fanfare-go/fanfare/middleware#Correlation
package tracing
