package middleware_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// correlation is what the headers of an event and the context of its handler say.
type correlation struct {
	header, causeHeader string
	id, cause           string
}

// correlations are those of the events of a test, by their values. Handlers write them, and the test reads them after all have returned.
type correlations map[string]correlation

func (all correlations) note(ctx context.Context, e topic.Event[string]) {
	all[e.Value] = correlation{
		e.Header("correlation-id"), e.Header("causation-id"),
		middleware.CorrelationID(ctx), middleware.CausationID(ctx),
	}
}

// check compares them.
func (all correlations) check(t *testing.T, want correlations) {
	t.Helper()
	for value, w := range want {
		if got, ok := all[value]; !ok || got != w {
			t.Errorf("%s (handled: %t)\ngot  %q\nwant %q", value, ok, got, w)
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d events, want %d: %q", len(all), len(want), all)
	}
}

// correlating returns a bus with Correlation on both sides, and with more inside of it.
func correlating(t testing.TB, o bus.Options) *bus.Bus {
	t.Helper()
	o.Publish = append([]bus.Middleware{middleware.Correlation()}, o.Publish...)
	o.Subscribe = append([]bus.Middleware{middleware.Correlation()}, o.Subscribe...)
	return bustest.New(t, &o)
}

// publishTo publishes to a topic.
func publishTo(ctx context.Context, b *bus.Bus, name, value string, attributes ...publisher.Attribute) error {
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

// forward subscribes to a topic, notes its events, and publishes another one with the handler's context for each.
func (all correlations) forward(t testing.TB, b *bus.Bus, from, to string, attributes ...publisher.Attribute) {
	t.Helper()
	on(t, b, from, func(ctx context.Context, e topic.Event[string]) error {
		all.note(ctx, e)
		return publishTo(ctx, b, to, to, attributes...)
	}, nil)
}

// end subscribes to a topic and notes its events.
func (all correlations) end(t testing.TB, b *bus.Bus, name string) {
	t.Helper()
	on(t, b, name, func(ctx context.Context, e topic.Event[string]) error {
		all.note(ctx, e)
		return nil
	}, nil)
}

// TestCorrelationOfDeadLetters checks that what is set aside keeps its cause, or has none: it is not its own.
func TestCorrelationOfDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := correlations{}
		b := correlating(t, bus.Options{})
		fail := func(context.Context, topic.Event[string]) error { return errNoStock }
		for _, from := range []string{"created", "paid"} {
			aside := []bus.Middleware{middleware.DeadLetter(from+".dead", nil)}
			on(t, b, from, fail, &subscriber.Options{Middleware: aside})
		}
		all.forward(t, b, "created", "paid", publisher.ID("second"))
		dead := []*bustest.Recorder[string]{
			bustest.Record(t, b, topic.New[string]("created.dead")), bustest.Record(t, b, topic.New[string]("paid.dead")),
		}
		if err := publishTo(t.Context(), b, "created", "created", publisher.ID("first")); err != nil {
			t.Fatal(err)
		}
		for i, want := range [][3]string{{"first", "first", ""}, {"second", "first", "first"}} {
			e := dead[i].Wait(1)[0]
			if got := [3]string{e.ID(), e.Header("correlation-id"), e.Header("causation-id")}; got != want {
				t.Errorf("%s: ID, correlation and cause are %q, want %q", e.Topic(), got, want)
			}
		}
	})
}

func TestCorrelationOverThreeHops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := correlations{}
		b := correlating(t, bus.Options{})
		all.forward(t, b, "created", "paid", publisher.ID("second"))
		all.forward(t, b, "paid", "shipped")
		all.end(t, b, "shipped")
		shipped := bustest.Record(t, b, topic.New[string]("shipped"))
		if err := publishTo(t.Context(), b, "created", "created", publisher.ID("first")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		last := shipped.Wait(1)[0].ID()
		if len(last) != 36 {
			t.Errorf("the last event has the ID %q, which should be made of its source, topic and sequence", last)
		}
		all.check(t, correlations{
			"created": {"", "", "first", "first"},
			"paid":    {"first", "first", "first", "second"},
			"shipped": {"first", "second", "first", last},
		})
	})
}

// TestCorrelationOfRoots checks that events from outside of handlers have nothing to do with each other, and have no headers.
func TestCorrelationOfRoots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := correlations{}
		b := correlating(t, bus.Options{})
		all.end(t, b, "created")
		created := bustest.Record(t, b, topic.New[string]("created"))
		for _, value := range []string{"one", "two"} {
			if err := publishTo(t.Context(), b, "created", value); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		one, two := created.Wait(2)[0].ID(), created.Wait(2)[1].ID()
		if one == two {
			t.Errorf("both have the ID %s", one)
		}
		all.check(t, correlations{"one": {"", "", one, one}, "two": {"", "", two, two}})
		if id, cause := middleware.CorrelationID(t.Context()), middleware.CausationID(t.Context()); id != "" || cause != "" {
			t.Errorf("outside of handlers there is the correlation ID %q and the cause %q", id, cause)
		}
	})
}

func TestWithCorrelationID(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	for name, tc := range map[string]struct {
		ctx  func(ctx context.Context) context.Context
		want correlation
	}{
		"none":     {func(ctx context.Context) context.Context { return ctx }, correlation{"", "", "first", "first"}},
		"one":      {with("request-7"), correlation{"request-7", "", "request-7", "first"}},
		"longest":  {with(long[1:]), correlation{long[1:], "", long[1:], "first"}},
		"empty":    {with(""), correlation{"", "", "first", "first"}},
		"too long": {with(long), correlation{"", "", "first", "first"}},
		"two":      {with("request-7", "request-8"), correlation{"request-8", "", "request-8", "first"}},
		"ignored":  {with("request-7", "", long), correlation{"request-7", "", "request-7", "first"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				all := correlations{}
				b := correlating(t, bus.Options{})
				all.forward(t, b, "created", "paid")
				paid := bustest.Record(t, b, topic.New[string]("paid"))
				if err := publishTo(tc.ctx(t.Context()), b, "created", "created", publisher.ID("first")); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				all.check(t, correlations{"created": tc.want})
				next := paid.Wait(1)[0]
				if id, cause := next.Header("correlation-id"), next.Header("causation-id"); id != tc.want.id || cause != "first" {
					t.Errorf("the next event has the correlation ID %q and the cause %q", id, cause)
				}
			})
		})
	}
}

// with returns a function that gives a context these correlation IDs, one after the other.
func with(ids ...string) func(ctx context.Context) context.Context {
	return func(ctx context.Context) context.Context {
		for _, id := range ids {
			ctx = middleware.WithCorrelationID(ctx, id)
		}
		return ctx
	}
}

// TestWithCorrelationIDInAHandler checks that what a handler begins anew still has its cause.
func TestWithCorrelationIDInAHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := correlating(t, bus.Options{})
		on(t, b, "created", func(ctx context.Context, _ topic.Event[string]) error {
			return publishTo(middleware.WithCorrelationID(ctx, "job-1"), b, "paid", "paid")
		}, nil)
		paid := bustest.Record(t, b, topic.New[string]("paid"))
		if err := publishTo(t.Context(), b, "created", "created", publisher.ID("first")); err != nil {
			t.Fatal(err)
		}
		next := paid.Wait(1)[0]
		if id, cause := next.Header("correlation-id"), next.Header("causation-id"); id != "job-1" || cause != "first" {
			t.Errorf("the correlation ID is %q and the cause %q", id, cause)
		}
	})
}

// TestCorrelationKeepsHeaders is about forwarders, which set headers before Correlation is asked.
func TestCorrelationKeepsHeaders(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	received := eventFor(b, bus.RoleSubscriber)
	id := received.ID()
	for _, given := range [][]string{{}, {"correlation-id"}, {"causation-id"}, {"correlation-id", "causation-id"}} {
		sent := eventFor(b, bus.RolePublisher)
		for _, name := range given {
			if err := sent.SetHeader(name, "kept"); err != nil {
				t.Fatal(err)
			}
		}
		publishing := bus.Chain(func(context.Context, *bus.Message) error { return nil }, middleware.Correlation())
		handling := bus.Chain(func(ctx context.Context, _ *bus.Message) error { return publishing(ctx, sent) }, middleware.Correlation())
		if err := handling(t.Context(), received); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"correlation-id", "causation-id"} {
			want := id
			if slices.Contains(given, name) {
				want = "kept"
			}
			if got := sent.Header(name); got != want {
				t.Errorf("%q were set: %s is %q, want %q", given, name, got, want)
			}
		}
	}
}

// TestCorrelationDistrustsLengths has a peer whose IDs would make every event that follows too large.
func TestCorrelationDistrustsLengths(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hostile := bus.Wrap("hostile", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				for _, name := range []string{"correlation-id", "causation-id"} {
					if err := m.SetHeader(name, strings.Repeat("x", 60_000)); err != nil {
						return err
					}
				}
				return next(ctx, m)
			}
		})
		all := correlations{}
		b := bustest.New(t, &bus.Options{Publish: []bus.Middleware{middleware.Correlation()}})
		on(t, b, "created", func(ctx context.Context, e topic.Event[string]) error {
			all[e.Value] = correlation{id: middleware.CorrelationID(ctx), cause: middleware.CausationID(ctx)}
			return publishTo(ctx, b, "paid", "paid", publisher.Header("note", strings.Repeat("y", 30_000)))
		}, &subscriber.Options{Middleware: []bus.Middleware{hostile, middleware.Correlation()}})
		paid := bustest.Record(t, b, topic.New[string]("paid"))
		if err := publishTo(t.Context(), b, "created", "created", publisher.ID("first")); err != nil {
			t.Fatal(err)
		}
		if next := paid.Wait(1)[0]; next.Header("correlation-id") != "first" || next.Header("causation-id") != "first" {
			t.Errorf("headers %.40q and %.40q", next.Header("correlation-id"), next.Header("causation-id"))
		}
		synctest.Wait()
		all.check(t, correlations{"created": {"", "", "first", "first"}})
	})
}

// TestCorrelationOutlivesTheHandler keeps the contexts of handlers until their message has been used for other events.
func TestCorrelationOutlivesTheHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := correlating(t, bus.Options{})
		var kept []context.Context
		on(t, b, "created", func(ctx context.Context, _ topic.Event[string]) error {
			kept = append(kept, ctx)
			return nil
		}, nil)
		created := bustest.Record(t, b, topic.New[string]("created"))
		for _, value := range []string{"one", "two", "three"} {
			if err := publishTo(t.Context(), b, "created", value); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for i, e := range created.Wait(3) {
			if id, cause := middleware.CorrelationID(kept[i]), middleware.CausationID(kept[i]); id != e.ID() || cause != e.ID() {
				t.Errorf("event %d has the ID %s, its context says %s and %s", i, e.ID(), id, cause)
			}
		}
	})
}

// TestCorrelationLeavesErrors checks that it changes nothing of what passes it, on either side.
func TestCorrelationLeavesErrors(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	for _, role := range []bus.Role{bus.RolePublisher, bus.RoleSubscriber} {
		for _, want := range []error{nil, errNoStock, bus.ErrFiltered} {
			calls := 0
			h := bus.Chain(func(context.Context, *bus.Message) error { calls++; return want }, middleware.Correlation())
			if got := h(t.Context(), eventFor(b, role)); got != want || calls != 1 {
				t.Errorf("%v: %d calls, got %v, want %v", role, calls, got, want)
			}
		}
		panicking := bus.Chain(func(context.Context, *bus.Message) error { panic(errNoStock) }, middleware.Recover(), middleware.Correlation())
		if err := panicking(t.Context(), eventFor(b, role)); !errors.Is(err, errNoStock) {
			t.Errorf("%v: a panic became %v", role, err)
		}
	}
}
