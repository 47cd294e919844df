package middleware_test

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

const (
	anyPort = "tcp://127.0.0.1:0"
	// patience bounds what would otherwise hang.
	patience = 30 * time.Second
)

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// connect returns a transport.
func connect(t testing.TB, o zmq.Options) *zmq.Transport {
	t.Helper()
	tr, err := zmq.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// quote and resize are what the tests of requests and tasks ask for.
var (
	quote  = request.NewCall[string, string]("billing.quote")
	resize = pipeline.NewTask[string]("images.resize")
)

// TestCorrelationBetweenBuses has an event go to another bus, and the next one come back.
func TestCorrelationBetweenBuses(t *testing.T) {
	t.Parallel()
	first := connect(t, zmq.Options{Publish: zmq.Bind(anyPort)})
	second := connect(t, zmq.Options{Publish: zmq.Bind(anyPort), Subscribe: zmq.Connect(first.Bound().Publish...)})
	third := connect(t, zmq.Options{Subscribe: zmq.Connect(second.Bound().Publish...)})
	here, there := correlating(t, bus.Options{Transport: first}), correlating(t, bus.Options{Transport: second})
	last := correlating(t, bus.Options{Transport: third})

	noted := make(chan correlations, 2)
	note := func(ctx context.Context, e topic.Event[string]) {
		all := correlations{}
		all.note(ctx, e)
		noted <- all
	}
	on(t, last, "paid", func(ctx context.Context, e topic.Event[string]) error { note(ctx, e); return nil }, nil)
	paid := bustest.Record(t, last, topic.New[string]("paid"))
	onward, err := publisher.New(there, topic.New[string]("paid"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := onward.WaitSubscribers(patient(t), 1); err != nil {
		t.Fatal(err)
	}
	on(t, there, "created", func(ctx context.Context, e topic.Event[string]) error {
		note(ctx, e)
		return onward.Publish(ctx, "paid")
	}, nil)
	pub, err := publisher.New(here, topic.New[string]("created"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(patient(t), 1); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish(t.Context(), "created", publisher.ID("first")); err != nil {
		t.Fatal(err)
	}
	e := paid.Wait(1)[0]
	(<-noted).check(t, correlations{"created": {"", "", "first", "first"}})
	(<-noted).check(t, correlations{"paid": {"first", "first", "first", e.ID()}})
}

// TestCorrelationOfPlainEvents has events without an ID: they cause nothing, and what their handlers publish are roots.
func TestCorrelationOfPlainEvents(t *testing.T) {
	t.Parallel()
	plain := connect(t, zmq.Options{Publish: zmq.Bind(anyPort)})
	here := bustest.New(t, &bus.Options{Transport: plain})
	there := correlating(t, bus.Options{Transport: connect(t, zmq.Options{Subscribe: zmq.Connect(plain.Bound().Publish...)})})
	noted := make(chan correlation, 1)
	on(t, there, "created", func(ctx context.Context, _ topic.Event[string]) error {
		noted <- correlation{id: middleware.CorrelationID(ctx), cause: middleware.CausationID(ctx)}
		return publishTo(ctx, there, "paid", "paid")
	}, nil)
	paid := bustest.Record(t, there, topic.New[string]("paid"))
	pub, err := publisher.New(here, topic.New[string]("created"), &publisher.Options{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(patient(t), 1); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish(t.Context(), "created"); err != nil {
		t.Fatal(err)
	}
	if got := <-noted; got != (correlation{}) {
		t.Errorf("an event without an ID has %q", got)
	}
	if e := paid.Wait(1)[0]; e.Header("correlation-id") != "" || e.Header("causation-id") != "" {
		t.Errorf("what it caused has the headers %q and %q", e.Header("correlation-id"), e.Header("causation-id"))
	}
}

// TestCorrelationOfEventsWithoutANumber has a bus whose own events have no ID, as they do not go to its transport: they hand on what they have.
func TestCorrelationOfEventsWithoutANumber(t *testing.T) {
	t.Parallel()
	b := correlating(t, bus.Options{Transport: connect(t, zmq.Options{Publish: zmq.Bind(anyPort)})})
	local, err := publisher.New(b, topic.New[string]("paid"), &publisher.Options{Local: true})
	if err != nil {
		t.Fatal(err)
	}
	on(t, b, "created", func(ctx context.Context, _ topic.Event[string]) error { return local.Publish(ctx, "paid") }, nil)
	on(t, b, "paid", func(ctx context.Context, _ topic.Event[string]) error { return publishTo(ctx, b, "shipped", "shipped") }, nil)
	shipped := bustest.Record(t, b, topic.New[string]("shipped"))
	if err := publishTo(t.Context(), b, "created", "created", publisher.ID("first")); err != nil {
		t.Fatal(err)
	}
	if e := shipped.Wait(1)[0]; e.Header("correlation-id") != "first" || e.Header("causation-id") != "first" {
		t.Errorf("headers %q and %q", e.Header("correlation-id"), e.Header("causation-id"))
	}
}

// serving serves quote on b. The handler publishes "quoted".
func serving(t *testing.T, b *bus.Bus, noted chan<- correlation) {
	t.Helper()
	_, err := request.Serve(b, quote, func(ctx context.Context, q string) (string, error) {
		noted <- correlation{id: middleware.CorrelationID(ctx), cause: middleware.CausationID(ctx)}
		return q, publishTo(ctx, b, "quoted", q)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// asks has the handler of "created" ask for a quote.
func asks(t *testing.T, b *bus.Bus) {
	t.Helper()
	cl, err := request.NewClient(b, quote, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.WaitServers(patient(t), 1); err != nil {
		t.Fatal(err)
	}
	on(t, b, "created", func(ctx context.Context, e topic.Event[string]) error {
		_, err := cl.Do(ctx, e.Value)
		return err
	}, nil)
}

// TestCorrelationOfRequests has requests within one bus, which have no ID, and between two, which have.
func TestCorrelationOfRequests(t *testing.T) {
	t.Parallel()
	for name, remote := range map[string]bool{"within a bus": false, "between buses": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var here, there *bus.Bus
			if remote {
				server := connect(t, zmq.Options{Serve: zmq.Bind(anyPort)})
				there = correlating(t, bus.Options{Transport: server})
				here = correlating(t, bus.Options{Transport: connect(t, zmq.Options{Request: zmq.Connect(server.Bound().Serve...)})})
			} else {
				here = correlating(t, bus.Options{})
				there = here
			}
			noted := make(chan correlation, 1)
			serving(t, there, noted)
			asks(t, here)
			quoted := bustest.Record(t, there, topic.New[string]("quoted"))
			if err := publishTo(t.Context(), here, "created", "created", publisher.ID("first")); err != nil {
				t.Fatal(err)
			}
			got := <-noted
			if got.id != "first" {
				t.Errorf("the server's context has the correlation ID %q", got.id)
			}
			if known := got.cause == "first"; known == remote || got.cause == "" {
				t.Errorf("the server's context has the cause %q", got.cause)
			}
			e := quoted.Wait(1)[0]
			if e.Header("correlation-id") != "first" || e.Header("causation-id") != got.cause {
				t.Errorf("what the server published has the headers %q and %q, want first and %q", e.Header("correlation-id"), e.Header("causation-id"), got.cause)
			}
		})
	}
}

func TestCorrelationOfTasks(t *testing.T) {
	t.Parallel()
	b := correlating(t, bus.Options{})
	p, err := pipeline.NewProducer(b, resize, nil)
	if err != nil {
		t.Fatal(err)
	}
	noted := make(chan correlation, 1)
	_, err = pipeline.NewWorker(b, resize, func(ctx context.Context, _ string) error {
		d, _ := pipeline.DeliveryFrom(ctx)
		got := correlation{d.Header("correlation-id"), d.Header("causation-id"), middleware.CorrelationID(ctx), ""}
		if cause := middleware.CausationID(ctx); cause != d.ID() || cause == "" {
			t.Errorf("the cause is %q, the task has the ID %q", cause, d.ID())
		}
		noted <- got
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	on(t, b, "created", func(ctx context.Context, e topic.Event[string]) error { return p.Send(ctx, e.Value) }, nil)
	if err := publishTo(t.Context(), b, "created", "created", publisher.ID("first")); err != nil {
		t.Fatal(err)
	}
	if got, want := <-noted, (correlation{"first", "first", "first", ""}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCorrelationInline checks that an inline handler is told of its own event, not of the one whose handler publishes it.
func TestCorrelationInline(t *testing.T) {
	t.Parallel()
	all := correlations{}
	b := correlating(t, bus.Options{})
	inline := &subscriber.Options{Inline: true}
	on(t, b, "created", func(ctx context.Context, e topic.Event[string]) error {
		all.note(ctx, e)
		return publishTo(ctx, b, "paid", "paid", publisher.ID("second"))
	}, inline)
	on(t, b, "paid", func(ctx context.Context, e topic.Event[string]) error {
		all.note(ctx, e)
		return nil
	}, inline)
	if err := publishTo(t.Context(), b, "created", "created", publisher.ID("first")); err != nil {
		t.Fatal(err)
	}
	all.check(t, correlations{"created": {"", "", "first", "first"}, "paid": {"first", "first", "first", "second"}})
}
