package tracing_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// traces are the spans of a test.
type traces struct {
	t        testing.TB
	provider *sdktrace.TracerProvider
	exporter *tracetest.InMemoryExporter
}

func newTraces(t testing.TB) *traces {
	t.Helper()
	provider, exporter := newProvider()
	return &traces{t, provider, exporter}
}

// newProvider returns one whose spans are exported as soon as they end.
func newProvider() (*sdktrace.TracerProvider, *tracetest.InMemoryExporter) {
	e := tracetest.NewInMemoryExporter()
	return sdktrace.NewTracerProvider(sdktrace.WithSyncer(e)), e
}

// options are those of a bus that traces on both sides, with more middleware inside of it.
func (tr *traces) options(o tracing.Options, inside ...bus.Middleware) *bus.Options {
	o.TracerProvider = tr.provider
	chain := append([]bus.Middleware{tracing.New(&o)}, inside...)
	return &bus.Options{Publish: chain, Subscribe: chain}
}

// root starts the span of a test.
func (tr *traces) root() (context.Context, trace.Span) {
	return tr.provider.Tracer("test").Start(context.Background(), "root")
}

// get returns the only ended span of that name.
func (tr *traces) get(name string) tracetest.SpanStub {
	tr.t.Helper()
	all := tr.all(name)
	if len(all) != 1 {
		tr.t.Fatalf("%d spans %q, of %v", len(all), name, tr.names())
	}
	return all[0]
}

func (tr *traces) all(name string) (found []tracetest.SpanStub) {
	return slices.DeleteFunc(tr.exporter.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name != name })
}

func (tr *traces) names() (names []string) {
	for _, s := range tr.exporter.GetSpans() {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names
}

// line checks that each span is the child of the one before it, all in one trace.
func (tr *traces) line(names ...string) {
	tr.t.Helper()
	parent := tr.get(names[0])
	for _, name := range names[1:] {
		s := tr.get(name)
		checkChild(tr.t, s, parent)
		parent = s
	}
}

func checkChild(t testing.TB, s, parent tracetest.SpanStub) {
	t.Helper()
	if s.Parent.SpanID() != parent.SpanContext.SpanID() || s.SpanContext.TraceID() != parent.SpanContext.TraceID() {
		t.Errorf("%q is in trace %v with the parent %v, not that of %q: %v, %v",
			s.Name, s.SpanContext.TraceID(), s.Parent.SpanID(), parent.Name, parent.SpanContext.TraceID(), parent.SpanContext.SpanID())
	}
}

// attributes returns those of a span, as text.
func attributes(s tracetest.SpanStub) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

// value returns an attribute, nil if it is not there.
func value(s tracetest.SpanStub, key string) any {
	for _, a := range s.Attributes {
		if a.Key == attribute.Key(key) {
			return a.Value.AsInterface()
		}
	}
	return nil
}

// publish publishes to a topic.
func publish(ctx context.Context, b *bus.Bus, name, value string, attributes ...publisher.Attribute) error {
	pub, err := publisher.New(b, topic.New[string](name), nil)
	if err != nil {
		return err
	}
	return pub.Publish(ctx, value, attributes...)
}

// on subscribes to a topic.
func on(t testing.TB, b *bus.Bus, name string, handler func(ctx context.Context, e topic.Event[string]) error, o *subscriber.Options) {
	t.Helper()
	if _, err := subscriber.New(b, topic.New[string](name), handler, o); err != nil {
		t.Fatal(err)
	}
}

// forward has what comes to a topic published to another one.
func forward(t testing.TB, b *bus.Bus, from, to string, o *subscriber.Options) {
	t.Helper()
	on(t, b, from, func(ctx context.Context, e topic.Event[string]) error { return publish(ctx, b, to, e.Value) }, o)
}

func ignore(context.Context, topic.Event[string]) error { return nil }

func TestHandlersThatPublishAreOneTrace(t *testing.T) {
	t.Parallel()
	for _, inline := range []bool{false, true} {
		t.Run(fmt.Sprint("inline ", inline), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := newTraces(t)
				b := bustest.New(t, tr.options(tracing.Options{}))
				forward(t, b, "created", "paid", &subscriber.Options{Inline: inline})
				on(t, b, "paid", ignore, &subscriber.Options{Inline: inline})
				ctx, root := tr.root()
				if err := publish(ctx, b, "created", "two pencils"); err != nil {
					t.Fatal(err)
				}
				root.End()
				synctest.Wait()
				tr.line("root", "send created", "process created", "send paid", "process paid")
				if n := len(tr.exporter.GetSpans()); n != 5 {
					t.Errorf("%d spans: %v", n, tr.names())
				}
			})
		})
	}
}

// TestEverySubscriptionHasASpan has two of them, each of which is a child of the send span.
func TestEverySubscriptionHasASpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTraces(t)
		b := bustest.New(t, tr.options(tracing.Options{}))
		for _, name := range []string{"billing", "shipping"} {
			on(t, b, "created", ignore, &subscriber.Options{Name: name})
		}
		if err := publish(t.Context(), b, "created", "two pencils"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var subscriptions []any
		for _, s := range tr.all("process created") {
			checkChild(t, s, tr.get("send created"))
			subscriptions = append(subscriptions, value(s, "messaging.destination.subscription.name"))
		}
		if len(subscriptions) != 2 || !slices.Contains(subscriptions, any("billing")) || !slices.Contains(subscriptions, any("shipping")) {
			t.Errorf("spans of the subscriptions %v", subscriptions)
		}
	})
}

// TestOneSubscriptionOfManyTopics checks that what is kept for one topic is not used for another one.
func TestOneSubscriptionOfManyTopics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTraces(t)
		b := bustest.New(t, tr.options(tracing.Options{}))
		if _, err := subscriber.New(b, topic.NewPrefix[string]("orders."), ignore, nil); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"orders.created", "orders.paid", "orders.paid", "orders.created"} {
			if err := publish(t.Context(), b, name, "two pencils"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for _, name := range []string{"orders.created", "orders.paid"} {
			spans := tr.all("process " + name)
			if len(spans) != 2 {
				t.Errorf("%d spans of %s", len(spans), name)
			}
			for _, s := range spans {
				if got := value(s, "messaging.destination.name"); got != name {
					t.Errorf("span %q has the destination %v", s.Name, got)
				}
			}
		}
	})
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTraces(t)
		traced := tr.options(tracing.Options{})
		correlated := []bus.Middleware{middleware.Correlation()}
		traced.Publish, traced.Subscribe = slices.Concat(correlated, traced.Publish), slices.Concat(correlated, traced.Subscribe)
		b := bustest.New(t, traced)
		on(t, b, "created", ignore, &subscriber.Options{Name: "billing"})
		created := bustest.Record(t, b, topic.New[string]("created"))
		ctx := middleware.WithCorrelationID(t.Context(), "request-7")
		if err := publish(ctx, b, "created", "two pencils"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := map[string]string{
			"messaging.system":                  "fanfare",
			"messaging.destination.name":        "created",
			"messaging.operation.name":          "send",
			"messaging.operation.type":          "send",
			"messaging.message.id":              created.Wait(1)[0].ID(),
			"messaging.message.conversation_id": "request-7",
		}
		sent := tr.get("send created")
		checkAttributes(t, sent, trace.SpanKindProducer, want)
		want["messaging.operation.name"], want["messaging.operation.type"] = "process", "process"
		want["messaging.destination.subscription.name"] = "billing"
		for _, s := range tr.all("process created") {
			if value(s, "messaging.destination.subscription.name") == "billing" {
				checkAttributes(t, s, trace.SpanKindConsumer, want)
				if len(s.Links) != 1 || s.Links[0].SpanContext.SpanID() != sent.SpanContext.SpanID() {
					t.Errorf("links %v", s.Links)
				}
			}
		}
		scope, schema := "github.com/fanfare-go/fanfare/middleware/tracing", "https://opentelemetry.io/schemas/1.43.0"
		if s := sent.InstrumentationScope; s.Name != scope || s.SchemaURL != schema {
			t.Errorf("the scope is %+v", s)
		}
	})
}

// checkAttributes checks a span that has gone well.
func checkAttributes(t *testing.T, s tracetest.SpanStub, kind trace.SpanKind, want map[string]string) {
	t.Helper()
	if s.SpanKind != kind || s.Status != (sdktrace.Status{}) {
		t.Errorf("%q has the kind %v and the status %v", s.Name, s.SpanKind, s.Status)
	}
	got := attributes(s)
	for key, w := range want {
		if got[key] != w {
			t.Errorf("%q has %s %q, want %q", s.Name, key, got[key], w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%q has the attributes %v, want %v", s.Name, got, want)
	}
}

// TestNewTraces has spans that are linked instead of children.
func TestNewTraces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTraces(t)
		b := bustest.New(t, tr.options(tracing.Options{NewTraces: true}))
		forward(t, b, "created", "paid", nil)
		on(t, b, "paid", ignore, nil)
		if err := publish(t.Context(), b, "created", "two pencils"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		tr.line("process created", "send paid")
		for _, name := range []string{"created", "paid"} {
			sent, handled := tr.get("send "+name), tr.get("process "+name)
			if handled.Parent.IsValid() || handled.SpanContext.TraceID() == sent.SpanContext.TraceID() {
				t.Errorf("the span of the handler of %s has the parent %v", name, handled.Parent)
			}
			if len(handled.Links) != 1 || !handled.Links[0].SpanContext.Equal(sent.SpanContext.WithRemote(true)) {
				t.Errorf("the span of the handler of %s has the links %v", name, handled.Links)
			}
		}
	})
}
