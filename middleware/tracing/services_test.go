package tracing_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const anyPort = "tcp://127.0.0.1:0"

var (
	quote  = request.NewCall[string, string]("billing.quote")
	resize = pipeline.NewTask[string]("images.resize")
	upload = pipeline.NewTask[string]("images.upload")
)

// connect returns a bus with a transport that traces.
func (tr *traces) connect(o zmq.Options) (*bus.Bus, *zmq.Transport) {
	tr.t.Helper()
	transport, err := zmq.New(&o)
	if err != nil {
		tr.t.Fatal(err)
	}
	options := tr.options(tracing.Options{})
	options.Transport = transport
	return bustest.New(tr.t, options), transport
}

// TestRequests has a server that publishes, on the same bus and on another one.
func TestRequests(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"within a bus", "between buses"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			tr := newTraces(t)
			var here, there *bus.Bus
			if where == "within a bus" {
				here = bustest.New(t, tr.options(tracing.Options{}))
				there = here
			} else {
				var serving *zmq.Transport
				there, serving = tr.connect(zmq.Options{Serve: zmq.Bind(anyPort)})
				here, _ = tr.connect(zmq.Options{Request: zmq.Connect(serving.Bound().Serve...)})
			}
			_, err := request.Serve(there, quote, func(ctx context.Context, q string) (string, error) {
				if q == "" {
					return "", &request.RemoteError{Code: "no-customer", Message: "who asks?"}
				}
				return q, publish(ctx, there, "quoted", q)
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			cl, err := request.NewClient(here, quote, nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx, root := tr.root()
			if _, err := cl.Do(ctx, "two pencils"); err != nil {
				t.Fatal(err)
			}
			root.End()
			tr.line("root", "send billing.quote", "process billing.quote", "send quoted")
			if s := tr.get("send billing.quote"); s.SpanKind != trace.SpanKindClient {
				t.Errorf("the client's span has the kind %v", s.SpanKind)
			}
			if s := tr.get("process billing.quote"); s.SpanKind != trace.SpanKindServer || value(s, "messaging.destination.subscription.name") != nil {
				t.Errorf("the server's span has the kind %v and the attributes %v", s.SpanKind, s.Attributes)
			}
			tr.exporter.Reset()
			if _, err := cl.Do(t.Context(), ""); err == nil {
				t.Fatal("no error")
			}
			for _, name := range []string{"send billing.quote", "process billing.quote"} {
				if s := tr.get(name); s.Status.Code != codes.Error || value(s, "error.type") != "*request.RemoteError" {
					t.Errorf("%q has the status %+v and the attributes %v", name, s.Status, s.Attributes)
				}
			}
		})
	}
}

// TestPipeline has two stages.
func TestPipeline(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	b := bustest.New(t, tr.options(tracing.Options{}))
	images, err := pipeline.NewProducer(b, resize, nil)
	if err != nil {
		t.Fatal(err)
	}
	resized, err := pipeline.NewProducer(b, upload, nil)
	if err != nil {
		t.Fatal(err)
	}
	failed := false
	_, err = pipeline.NewWorker(b, resize, func(ctx context.Context, im string) error {
		if !failed {
			failed = true
			return errNoStock
		}
		return errors.Join(resized.Send(ctx, im), resized.Wait(ctx))
	}, &pipeline.Options{RetryDelay: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.NewWorker(b, upload, func(context.Context, string) error { return nil }, nil); err != nil {
		t.Fatal(err)
	}
	ctx, root := tr.root()
	if err := images.Send(ctx, "cat"); err != nil {
		t.Fatal(err)
	}
	root.End()
	if err := images.Wait(patient(t)); err != nil {
		t.Fatal(err)
	}
	if err := b.Shutdown(patient(t)); err != nil { // spans end after the acknowledgement
		t.Fatal(err)
	}
	tr.line("root", "send images.resize")
	sent := tr.get("send images.resize")
	attempts := tr.all("process images.resize")
	if len(attempts) != 2 || attempts[0].Status.Code != codes.Error || attempts[1].Status.Code != codes.Unset {
		t.Fatalf("spans of the attempts: %+v", attempts)
	}
	for _, s := range attempts {
		checkChild(t, s, sent)
		id := value(s, "messaging.message.id")
		if id == nil || id != value(attempts[0], "messaging.message.id") || s.SpanKind != trace.SpanKindConsumer {
			t.Errorf("the kind is %v and the ID %v", s.SpanKind, id)
		}
	}
	checkChild(t, tr.get("send images.upload"), attempts[1])
	tr.line("send images.upload", "process images.upload")
}

// TestBodySize is known for what came encoded, and not where nothing was encoded.
func TestBodySize(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	here, publishing := tr.connect(zmq.Options{Publish: zmq.Bind(anyPort)})
	there, _ := tr.connect(zmq.Options{Subscribe: zmq.Connect(publishing.Bound().Publish...)})
	handled := bustest.Record(t, there, created)
	if err := waitAndPublish(t, here, "two pencils"); err != nil {
		t.Fatal(err)
	}
	handled.Wait(1)
	if err := there.Shutdown(patient(t)); err != nil {
		t.Fatal(err)
	}
	tr.line("send created", "process created")
	if s := tr.get("process created"); value(s, "messaging.message.body.size") != int64(len(`"two pencils"`)) {
		t.Errorf("attributes %v", s.Attributes)
	}
	if s := tr.get("send created"); value(s, "messaging.message.body.size") != nil {
		t.Errorf("attributes %v", s.Attributes)
	}
}
