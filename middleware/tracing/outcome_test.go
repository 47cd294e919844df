package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/middleware/tracing"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

var errNoStock = errors.New("no stock left")

// failure is the status of a span that has failed.
func failure(text string) sdktrace.Status {
	return sdktrace.Status{Code: codes.Error, Description: text}
}

const (
	plainError = "*errors.errorString"
	panicError = "*bus.PanicError"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1023) + "é" // cut in the middle of the last letter
	for name, tc := range map[string]struct {
		err                 error
		status              sdktrace.Status
		errorType, filtered any
	}{
		"success":          {},
		"error":            {err: errNoStock, status: failure("no stock left"), errorType: plainError},
		"wrapped":          {err: fmt.Errorf("pencils: %w", errNoStock), status: failure("pencils: no stock left"), errorType: plainError},
		"type of ours":     {err: &bus.PanicError{Value: 1}, status: failure("bus: panic in handler: 1"), errorType: panicError},
		"filtered":         {err: bus.ErrFiltered, filtered: true},
		"wrapped filtered": {err: fmt.Errorf("pencils: %w", bus.ErrFiltered), filtered: true},
		"long":             {err: errors.New(long), status: failure(long[:1023] + "\uFFFD"), errorType: plainError},
		"not UTF-8":        {err: errors.New("bad \xff"), status: failure("bad \uFFFD"), errorType: plainError},
	} {
		for side, role := range roles {
			t.Run(name+" "+side, func(t *testing.T) {
				t.Parallel()
				tr := newTraces(t)
				h := around(tr.provider, func(context.Context, *bus.Message) error { return tc.err })
				if got := h(t.Context(), message(role, nil)()); got != tc.err {
					t.Errorf("the error became %v", got)
				}
				s := tr.get(side + " orders.created")
				if s.Status != tc.status {
					t.Errorf("status %+v, want %+v", s.Status, tc.status)
				}
				if got := value(s, "error.type"); got != tc.errorType {
					t.Errorf("error.type is %v, want %v", got, tc.errorType)
				}
				if got := value(s, "messaging.fanfare.filtered"); got != tc.filtered {
					t.Errorf("filtered is %v, want %v", got, tc.filtered)
				}
			})
		}
	}
}

// TestHandlersThatDoNotReturn has a panic and the end of the goroutine pass through: the span ends with an error, the rest is as without it.
func TestHandlersThatDoNotReturn(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(){"panic": func() { panic(errNoStock) }, "exit": runtime.Goexit} {
		for side, role := range roles {
			t.Run(name+" "+side, func(t *testing.T) {
				t.Parallel()
				tr := newTraces(t)
				h := around(tr.provider, func(context.Context, *bus.Message) error { f(); return nil })
				var returned, panicked any = "nothing", nil
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { panicked = recover() }()
					returned = h(context.Background(), message(role, nil)())
				}()
				<-done
				if returned != "nothing" {
					t.Errorf("the call returned %v", returned)
				}
				s := tr.get(side + " orders.created")
				if s.Status.Code != codes.Error || value(s, "error.type") != "panic_or_exit" {
					t.Errorf("status %+v, attributes %v", s.Status, s.Attributes)
				}
				if name == "panic" && (panicked != any(errNoStock) || len(s.Events) != 1 || s.Events[0].Name != "exception") {
					t.Errorf("panic %v, the span has the events %v", panicked, s.Events)
				}
				if name == "exit" && panicked != nil {
					t.Errorf("panic %v", panicked)
				}
			})
		}
	}
}

// TestPanicsOnABus has one of a handler without Recover, and one that Recover makes an error of.
func TestPanicsOnABus(t *testing.T) {
	t.Parallel()
	for name, inside := range map[string][]bus.Middleware{"without Recover": nil, "with Recover": {middleware.Recover()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := newTraces(t)
				b := bustest.New(t, tr.options(tracing.Options{}, inside...))
				sub, err := subscriber.New(b, topic.New[string]("created"), func(_ context.Context, e topic.Event[string]) error {
					if e.Seq() == 1 {
						panic(errNoStock)
					}
					return nil
				}, nil)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if err := publish(t.Context(), b, "created", "two pencils"); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				failed := 0
				for _, s := range tr.all("process created") {
					if s.Status.Code == codes.Error {
						failed++
					}
				}
				if s := sub.Stats(); failed != 1 || s.Failed != 1 || s.Succeeded != 1 || len(tr.all("process created")) != 2 {
					t.Errorf("%d spans failed of %v, stats %+v", failed, tr.names(), s)
				}
			})
		})
	}
}

// TestAttempts has middleware that tries again inside of it: there is one span, and it has the number.
func TestAttempts(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]any{1: nil, 3: int64(3)} {
		t.Run(fmt.Sprint(attempts), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				retry := bus.Middleware{Name: "retry", Phase: bus.PhaseRetry, Attempts: -1, Wrap: func(next bus.Handler) bus.Handler {
					return func(ctx context.Context, m *bus.Message) (err error) {
						for n := 1; ; n++ {
							m.SetAttempt(n)
							if err = next(ctx, m); err == nil || n == 5 {
								return err
							}
						}
					}
				}}
				tr := newTraces(t)
				traced := tr.options(tracing.Options{}, retry)
				traced.Publish = nil
				b := bustest.New(t, traced)
				left := attempts
				on(t, b, "created", func(context.Context, topic.Event[string]) error {
					if left--; left > 0 {
						return errNoStock
					}
					return nil
				}, nil)
				if err := publish(t.Context(), b, "created", "two pencils"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				s := tr.get("process created")
				if got := value(s, "messaging.fanfare.attempts"); got != want || s.Status.Code != codes.Unset {
					t.Errorf("attempts %v, want %v; status %v", got, want, s.Status)
				}
			})
		})
	}
}

// TestPublishThatFails has no number and no ID, and its send span an error.
func TestPublishThatFails(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	b := bustest.New(t, tr.options(tracing.Options{}))
	pub, err := publisher.New(b, topic.New[string]("created"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish(t.Context(), "two pencils"); !errors.Is(err, bus.ErrClosed) {
		t.Fatalf("Publish returned %v", err)
	}
	s := tr.get("send created")
	if s.Status.Code != codes.Error || s.Status.Description != "bus: closed" || value(s, "messaging.message.id") != nil {
		t.Errorf("status %+v, attributes %v", s.Status, s.Attributes)
	}
}

// TestNamesOfPeersAreMadeValid has a topic and an ID of bytes that exporters would refuse.
func TestNamesOfPeersAreMadeValid(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	h := around(tr.provider, func(context.Context, *bus.Message) error { return nil })
	m := bus.NewMessage(&bus.Party{Role: bus.RoleSubscriber, Name: "bad \xff"}, codec.String)
	e := topic.NewEvent("two pencils", topic.Metadata{Topic: "orders.\xff", ID: "id \xff", Headers: map[string]string{"correlation-id": "id \xff"}})
	m.Reset(e.Meta(), &e, &e.Value)
	if err := h(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s := tr.get("process orders.\uFFFD")
	all := attributes(s)
	for _, key := range []string{"destination.name", "destination.subscription.name", "message.id", "message.conversation_id"} {
		if v := all["messaging."+key]; v == "" || !utf8.ValidString(v) {
			t.Errorf("%s is %q", key, v)
		}
	}
}
