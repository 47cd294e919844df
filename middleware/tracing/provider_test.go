package tracing_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// runGlobal is the program of a process that sets the global provider when events have passed already, and says how many spans there are.
func runGlobal() {
	initial := otel.GetTracerProvider()
	next := map[string]func() *bus.Message{}
	handlers := map[string]bus.Handler{}
	for side, role := range roles {
		next[side] = message(role, nil)
		handlers[side] = bus.Chain(func(ctx context.Context, m *bus.Message) error {
			if valid := trace.SpanContextFromContext(ctx).IsValid(); valid != (otel.GetTracerProvider() != initial) {
				panic("a handler has a span without a provider, or none with one")
			}
			return nil
		}, tracing.New(nil))
	}
	events := func(n int) {
		for range n {
			for side := range roles {
				must(handlers[side](context.Background(), next[side]()))
			}
		}
	}
	events(42) // in the middle of a nap
	provider, exporter := newProvider()
	otel.SetTracerProvider(provider)
	events(250)
	fmt.Println(len(exporter.GetSpans()))
}

// TestGlobalProviderThatIsSetLater runs in a process of its own, since the provider can be set only once.
func TestGlobalProviderThatIsSetLater(t *testing.T) {
	t.Parallel()
	child := exec.CommandContext(patient(t), os.Args[0])
	child.Env = append(os.Environ(), childEndpoint+"=global")
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != "500\n" {
		t.Errorf("%s spans, want one for each event after the provider was set: 500", out)
	}
}

// TestNoopHandsOn checks that a process that makes no spans of its own does not break the traces of others.
func TestNoopHandsOn(t *testing.T) {
	t.Parallel()
	var sent *bus.Message
	publishing := around(noop.NewTracerProvider(), func(_ context.Context, m *bus.Message) error { sent = m; return nil })
	handling := around(noop.NewTracerProvider(), func(ctx context.Context, _ *bus.Message) error {
		return publishing(ctx, message(bus.RolePublisher, nil)())
	})
	headers := map[string]string{"traceparent": traceparent, "tracestate": "vendor=1", "baggage": "customer=ada"}
	if err := handling(t.Context(), message(bus.RoleSubscriber, headers)()); err != nil {
		t.Fatal(err)
	}
	for name, want := range headers {
		if got := sent.Header(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if err := handling(t.Context(), message(bus.RoleSubscriber, nil)()); err != nil {
		t.Fatal(err)
	}
	for name := range sent.Headers() {
		t.Errorf("without a trace there is the header %s", name)
	}
}

// TestUnsampledTracesStayUnsampled checks that what follows from a trace that is not sampled has no spans, but still belongs to it.
func TestUnsampledTracesStayUnsampled(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	var sent *bus.Message
	publishing := around(tr.provider, func(_ context.Context, m *bus.Message) error { sent = m; return nil })
	handling := around(tr.provider, func(ctx context.Context, _ *bus.Message) error {
		return publishing(ctx, message(bus.RolePublisher, nil)())
	})
	unsampled := traceparent[:len(traceparent)-1] + "0"
	if err := handling(t.Context(), message(bus.RoleSubscriber, map[string]string{"traceparent": unsampled})()); err != nil {
		t.Fatal(err)
	}
	if spans := tr.names(); len(spans) != 0 {
		t.Errorf("spans %v", spans)
	}
	if got := sent.Header("traceparent"); len(got) != len(unsampled) || got[:35] != unsampled[:35] || got[len(got)-3:] != "-00" {
		t.Errorf("traceparent is %s, the trace was %s", got, unsampled)
	}
}

// TestTwoOfThemAreRefused is what the phase is for.
func TestTwoOfThemAreRefused(t *testing.T) {
	t.Parallel()
	provider := sdktrace.NewTracerProvider()
	m := tracing.New(&tracing.Options{TracerProvider: provider})
	if m.Name != "tracing" || m.Phase != bus.PhaseObserve || m.Attempts != 0 || m.Err != nil {
		t.Errorf("%+v", m)
	}
	if _, err := bus.New(&bus.Options{Publish: []bus.Middleware{m, tracing.New(nil)}}); err == nil {
		t.Error("two in one chain were taken")
	}
}
