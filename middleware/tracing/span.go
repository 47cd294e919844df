package tracing

import (
	"errors"
	"strings"

	"github.com/fanfare-go/fanfare/bus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

const (
	attemptsKey = attribute.Key("messaging.fanfare.attempts")
	filteredKey = attribute.Key("messaging.fanfare.filtered")

	// unreturned is the error.type of a handler that has not returned.
	unreturned = "panic_or_exit"
	// longestText is how many bytes of an error are in the status: others may have written them.
	longestText = 1024
)

// kindOf returns the kind and the operation of a party's spans.
func kindOf(r bus.Role) (kind trace.SpanKind, operation string, operationType attribute.KeyValue) {
	switch r {
	case bus.RoleClient:
		kind = trace.SpanKindClient
	case bus.RoleServer:
		kind = trace.SpanKindServer
	case bus.RolePublisher, bus.RoleProducer:
		kind = trace.SpanKindProducer
	default:
		kind = trace.SpanKindConsumer
	}
	if r.Sends() {
		return kind, "send", semconv.MessagingOperationTypeSend
	}
	return kind, "process", semconv.MessagingOperationTypeProcess
}

// attributesOf returns what is special about one message.
func attributesOf(m *bus.Message) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 3)
	if id := m.ID(); id != "" {
		attributes = append(attributes, semconv.MessagingMessageID(valid(id)))
	}
	if id := (carrier{m}).Get("correlation-id"); id != "" {
		attributes = append(attributes, semconv.MessagingMessageConversationID(valid(id)))
	}
	if frames := m.Meta().Encoded(); frames != nil { // Payload would encode the value
		size := 0
		for _, f := range frames {
			size += len(f)
		}
		attributes = append(attributes, semconv.MessagingMessageBodySize(size))
	}
	return attributes
}

// conclude notes how it went.
func conclude(span trace.Span, m *bus.Message, returned bool, err error) {
	if n := m.Attempt(); n > 1 {
		span.SetAttributes(attemptsKey.Int(n))
	}
	if err == nil {
		err = m.Aside()
	}
	switch {
	case !returned:
		span.SetAttributes(semconv.ErrorTypeKey.String(unreturned))
		span.SetStatus(codes.Error, "the handler has panicked or ended its goroutine")
	case errors.Is(err, bus.ErrFiltered):
		span.SetAttributes(filteredKey.Bool(true))
	case err != nil:
		span.SetAttributes(semconv.ErrorType(err))
		text := err.Error()
		span.SetStatus(codes.Error, valid(text[:min(len(text), longestText)]))
	}
}

// valid returns text as exporters need it: one string that is not UTF-8 makes OTLP refuse all spans that are exported with it. Topics and IDs
// of peers can be any bytes.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
