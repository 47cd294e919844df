package tracing_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// childEndpoint makes the test's program a child that subscribes there, instead.
const childEndpoint = "FANFARE_TRACING_CHILD"

var created = topic.New[string]("created")

// span is what a process tells of one.
type span struct {
	Name, Trace, ID, Parent string
	Kind                    trace.SpanKind
	Remote                  bool // the parent is in another process
}

func describe(s tracetest.SpanStub) span {
	own, parent := s.SpanContext, s.Parent
	return span{s.Name, own.TraceID().String(), own.SpanID().String(), parent.SpanID().String(), s.SpanKind, parent.IsRemote()}
}

// runChild is the program of a process: its handler of "created" publishes "paid" on its own bus, which it handles as well. It says "handled",
// ends when its standard input does, and prints its spans. "created" comes as soon as it has subscribed to that, so it does so last.
func runChild(endpoint string) {
	if endpoint == "global" {
		runGlobal()
		return
	}
	provider, exporter := newProvider()
	tr, err := zmq.New(&zmq.Options{Subscribe: zmq.Connect(endpoint)})
	must(err)
	traced := []bus.Middleware{tracing.New(&tracing.Options{TracerProvider: provider})}
	b, err := bus.New(&bus.Options{Transport: tr, Publish: traced, Subscribe: traced})
	must(err)
	_, err = subscriber.New(b, topic.New[string]("paid"), func(context.Context, topic.Event[string]) error {
		fmt.Println("handled")
		return nil
	}, nil)
	must(err)
	_, err = subscriber.New(b, created, func(ctx context.Context, e topic.Event[string]) error { return publish(ctx, b, "paid", e.Value) }, nil)
	must(err)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		panic("unexpected: " + lines.Text())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(b.Shutdown(ctx))
	var spans []span
	for _, s := range exporter.GetSpans() {
		spans = append(spans, describe(s))
	}
	must(json.NewEncoder(os.Stdout).Encode(spans))
}

// waitAndPublish publishes when there is a subscriber elsewhere.
func waitAndPublish(t *testing.T, b *bus.Bus, value string) error {
	t.Helper()
	pub, err := publisher.New(b, created, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(patient(t), 1); err != nil {
		t.Fatal(err)
	}
	return pub.Publish(t.Context(), value)
}

// TestTwoProcesses has an event go to another process: all is one trace.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	b, publishing := tr.connect(zmq.Options{Publish: zmq.Bind(anyPort)})
	child := exec.CommandContext(patient(t), os.Args[0])
	child.Env = append(os.Environ(), childEndpoint+"="+publishing.Bound().Publish[0])
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // which waits in any case: CommandContext kills what hangs
		_ = in.Close()
		if err := child.Wait(); err != nil {
			t.Errorf("the child: %v", err)
		}
	})
	pub, err := publisher.New(b, created, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(patient(t), 1); err != nil {
		t.Fatal(err)
	}
	ctx, root := tr.root()
	if err := pub.Publish(ctx, "two pencils"); err != nil {
		t.Fatal(err)
	}
	root.End()

	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "handled" {
		t.Fatalf("the child said %q: %v", lines.Text(), lines.Err())
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	var spans []span
	if !lines.Scan() {
		t.Fatalf("the child has no spans: %v", lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &spans); err != nil {
		t.Fatalf("%s: %v", lines.Text(), err)
	}
	there := map[string]span{}
	for _, s := range spans {
		there[s.Name] = s
	}
	if len(spans) != 3 || len(there) != 3 {
		t.Fatalf("the spans of the child are %+v", spans)
	}
	tr.line("root", "send created")
	parent := describe(tr.get("send created"))
	for _, want := range []span{
		{Name: "process created", Kind: trace.SpanKindConsumer, Remote: true},
		{Name: "send paid", Kind: trace.SpanKindProducer},
		{Name: "process paid", Kind: trace.SpanKindConsumer, Remote: true},
	} {
		got := there[want.Name]
		want.Trace, want.ID, want.Parent = parent.Trace, got.ID, parent.ID
		if got != want || strings.Trim(got.ID, "0") == "" {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		parent = got
	}
}
