package tracing_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// hop handles an event with these headers, publishes another one in its handler, and returns that.
func (tr *traces) hop(t testing.TB, o tracing.Options, headers map[string]string) *bus.Message {
	t.Helper()
	o.TracerProvider = tr.provider
	m := tracing.New(&o)
	var sent *bus.Message
	publishing := bus.Chain(func(_ context.Context, m *bus.Message) error { sent = m; return nil }, m)
	handling := bus.Chain(func(ctx context.Context, _ *bus.Message) error {
		return publishing(ctx, message(bus.RolePublisher, nil)())
	}, m)
	if err := handling(t.Context(), message(bus.RoleSubscriber, headers)()); err != nil {
		t.Errorf("headers %q: %v", headers, err)
	}
	if sent == nil {
		t.Fatalf("headers %q: the handler was not called", headers)
	}
	return sent
}

// wellFormed is a traceparent of version 0, of the trace 2, that is not all zeros.
var wellFormed = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-0[0-3]$`)

// FuzzHeaders has headers of a hostile peer: the handler is called all the same, and what it publishes belongs to a trace.
func FuzzHeaders(f *testing.F) {
	vendors := make([]string, 32)
	for i := range vendors {
		vendors[i] = fmt.Sprintf("v%d=%s", i, strings.Repeat("x", 250))
	}
	for _, seed := range [][3]string{
		{traceparent, "vendor=1", "customer=ada"},
		{traceparent, strings.Join(vendors, ","), strings.Repeat("x", 60_000)},
		{traceparent, strings.Join(vendors[:1], ","), "a=" + strings.Repeat("x", 8189)},
		{traceparent, "vendor=1,vendor=2", "a=1,a=2"},
		{traceparent, "\xff=\xff", "\xff=\xff;\xff"},
		{traceparent[:54], "vendor=1", ""},
		{traceparent + "-", "", ""},
		{strings.ToUpper(traceparent), "", "=;=,"},
		{"00-00000000000000000000000000000000-b7ad6b7169203331-01", "", ""},
		{"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "", ""},
		{"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "", ""},
		{"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings", "", ""},
		{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "", ""},
		{"", "vendor=1", "customer=ada"},
		{"----", ",,,", ",,,"},
		{strings.Repeat("0", 60_000), "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, parent, state, baggage string) {
		tr := newTraces(t)
		sent := tr.hop(t, tracing.Options{}, map[string]string{"traceparent": parent, "tracestate": state, "baggage": baggage})
		got := wellFormed.FindStringSubmatch(sent.Header("traceparent"))
		if got == nil {
			t.Fatalf("after the traceparent %q comes %q", parent, sent.Header("traceparent"))
		}
		given := wellFormed.FindStringSubmatch(strings.TrimSuffix(parent, "-")) // which OpenTelemetry takes as well
		known := given != nil && strings.Trim(given[1], "0") != "" && strings.Trim(given[2], "0") != ""
		if known && got[1] != given[1] {
			t.Errorf("after the traceparent %q comes %q", parent, got[0])
		}
		if !known && strings.HasPrefix(parent, "00-") && strings.Contains(parent, got[1]) {
			t.Errorf("the traceparent %q, which is none, is followed by %q", parent, got[0])
		}
		if n := len(sent.Header("tracestate")); n > 512 || n > 0 && parent == "" {
			t.Errorf("%d bytes of tracestate after %q", n, state)
		}
		if n := len(sent.Header("baggage")); n > 8192 {
			t.Errorf("%d bytes of baggage", n)
		}
		if known && parent[54]&1 == 1 {
			tr.line("process orders.created", "send orders.created")
		}
	})
}

// TestLengthsOfHeaders checks where the limits are: what is within them is handed on, what is beyond is dropped, and the trace goes on.
func TestLengthsOfHeaders(t *testing.T) {
	t.Parallel()
	longestState := "a=" + strings.Repeat("x", 253) + ",b=" + strings.Repeat("x", 254)
	longestBaggage := "a=" + strings.Repeat("x", 8190)
	for name, tc := range map[string]struct{ header, value, want string }{
		"tracestate":          {"tracestate", longestState, longestState},
		"tracestate too long": {"tracestate", longestState + "x", ""},
		"baggage":             {"baggage", longestBaggage, longestBaggage},
		"baggage too long":    {"baggage", longestBaggage + "x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(tc.want) != 0 && len(tc.want) != 512 && len(tc.want) != 8192 {
				t.Fatalf("the value has %d bytes", len(tc.want))
			}
			sent := newTraces(t).hop(t, tracing.Options{}, map[string]string{"traceparent": traceparent, tc.header: tc.value})
			if got := sent.Header(tc.header); got != tc.want {
				t.Errorf("%.20q… of %d bytes, want %d", got, len(got), len(tc.want))
			}
			if got := sent.Header("traceparent"); !strings.HasPrefix(got, traceparent[:36]) {
				t.Errorf("the trace has become %s", got)
			}
		})
	}
}

// TestForwardersKeepTheirHeaders has a message that carries a trace when it is sent.
func TestForwardersKeepTheirHeaders(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	var sent *bus.Message
	h := around(tr.provider, func(_ context.Context, m *bus.Message) error { sent = m; return nil })
	ctx, root := tr.root()
	if err := h(ctx, message(bus.RolePublisher, map[string]string{"traceparent": traceparent})()); err != nil {
		t.Fatal(err)
	}
	root.End()
	if got := sent.Header("traceparent"); got != traceparent {
		t.Errorf("traceparent is %s", got)
	}
	tr.line("root", "send orders.created")
	if links := tr.get("send orders.created").Links; len(links) != 1 || links[0].SpanContext.TraceID().String() != traceparent[3:35] {
		t.Errorf("links %v", links)
	}
	if err := h(ctx, message(bus.RolePublisher, map[string]string{"traceparent": "nonsense", "baggage": "customer=ada"})()); err != nil {
		t.Fatal(err)
	}
	if got := sent.Header("traceparent"); got[3:35] != root.SpanContext().TraceID().String() || sent.Header("baggage") != "customer=ada" {
		t.Errorf("nonsense was followed by %s, the baggage by %s", got, sent.Header("baggage"))
	}
}

// custom is a propagator with one header.
type custom struct{ header string }

func (c custom) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	carrier.Set(c.header, trace.SpanContextFromContext(ctx).TraceID().String())
}

func (c custom) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	id, err := trace.TraceIDFromHex(carrier.Get(c.header))
	if err != nil || !slices.Contains(carrier.Keys(), strings.ToLower(c.header)) {
		return ctx
	}
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled})
	return trace.ContextWithRemoteSpanContext(ctx, sc)
}

func (c custom) Fields() []string { return []string{c.header} }

// TestPropagator has one whose header is not in lower case.
func TestPropagator(t *testing.T) {
	t.Parallel()
	id := traceparent[3:35]
	tr := newTraces(t)
	sent := tr.hop(t, tracing.Options{Propagator: custom{"X-Trace"}}, map[string]string{"x-trace": id})
	if got := sent.Header("x-trace"); got != id || sent.Header("traceparent") != "" {
		t.Errorf("x-trace is %q and traceparent %q", got, sent.Header("traceparent"))
	}
}

// TestPropagatorThatMayNot has one that sets what the bus does not let it set. It changes the global error handler, so it is not parallel.
func TestPropagatorThatMayNot(t *testing.T) {
	var told []error
	before := otel.GetErrorHandler()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { told = append(told, err) }))
	defer otel.SetErrorHandler(before)
	sent := newTraces(t).hop(t, tracing.Options{Propagator: custom{"id"}}, nil)
	want := `tracing: propagator: bus: header "id" is set when publishing, not later`
	if len(told) != 1 || told[0].Error() != want || sent.ID() != "" {
		t.Errorf("told %v, want %s", told, want)
	}
}

// reading is a propagator that notes what it gets.
type reading struct{ got map[string]int }

func (r reading) Inject(context.Context, propagation.TextMapCarrier) {}

func (r reading) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	for _, name := range carrier.Keys() {
		r.got[name] = len(carrier.Get(name))
	}
	return ctx
}

func (r reading) Fields() []string { return nil }

// TestPropagatorsGetNoLongHeaders is about those that have no limits of their own.
func TestPropagatorsGetNoLongHeaders(t *testing.T) {
	t.Parallel()
	r := reading{map[string]int{}}
	newTraces(t).hop(t, tracing.Options{Propagator: r}, map[string]string{"longest": strings.Repeat("x", 8192), "too-long": strings.Repeat("x", 8193)})
	if want := map[string]int{"longest": 8192, "too-long": 0}; !maps.Equal(r.got, want) {
		t.Errorf("got %v bytes, want %v", r.got, want)
	}
}

// TestNonsenseIsNoLink has a handler in the publisher's goroutine: its context has a span, and the headers have none.
func TestNonsenseIsNoLink(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	h := around(tr.provider, func(context.Context, *bus.Message) error { return nil })
	ctx, root := tr.root()
	if err := h(ctx, message(bus.RoleSubscriber, map[string]string{"traceparent": "nonsense"})()); err != nil {
		t.Fatal(err)
	}
	root.End()
	tr.line("root", "process orders.created")
	if links := tr.get("process orders.created").Links; len(links) != 0 {
		t.Errorf("links %v", links)
	}
}
