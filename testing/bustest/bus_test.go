package bustest_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

var orders = topic.New[string]("orders.created")

// publish publishes values on b.
func publish(t testing.TB, b *bus.Bus, to topic.Topic[string], values ...string) {
	t.Helper()
	pub, err := publisher.New(b, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pub.PublishBatch(t.Context(), values); err != nil {
		t.Fatal(err)
	}
}

func TestNewClosesTheBusAtTheEnd(t *testing.T) {
	t.Parallel()
	var b *bus.Bus
	t.Run("test", func(t *testing.T) {
		b = bustest.New(t)
		publish(t, b, orders, "first")
	})
	select {
	case <-b.Done():
	default:
		t.Error("the bus goes on after its test")
	}
	if _, err := publisher.New(b, orders, nil); !errors.Is(err, bus.ErrClosed) {
		t.Errorf("publishing after the end of the test: %v", err)
	}
}

func TestNewTakesOptions(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := zerolog.New(&log)
	options := bus.Options{Name: "billing", Logger: &logger}
	b := bustest.New(t, &options)
	b.Logger().Error().Msg("event failed")
	if b.Name() != "billing" || !strings.Contains(log.String(), "event failed") {
		t.Errorf("the bus %q has logged %q", b.Name(), &log)
	}
	if options.Name != "billing" || options.Logger != &logger {
		t.Errorf("New has changed the options to %+v", options)
	}
	if bustest.New(t, nil).Name() != "" {
		t.Error("a bus without options has a name")
	}
	if unnamed := (bus.Options{}); bustest.New(t, &unnamed) == nil || unnamed.Logger != nil {
		t.Error("New has changed the options that it got")
	}
}

func TestNewFailsForBadOptions(t *testing.T) {
	t.Parallel()
	failures := faketb.Run(t, func(t testing.TB) {
		bustest.New(t, &bus.Options{Subscribe: []bus.Middleware{{Name: "nothing"}}})
		t.Errorf("New goes on after its failure")
	}).Failures
	if !strings.HasPrefix(failures, "bus.New: bus.Options.Subscribe") || strings.Contains(failures, "goes on") {
		t.Errorf("failures %q", failures)
	}
}

func TestNewLogsToTheTest(t *testing.T) {
	t.Parallel()
	got := faketb.Run(t, func(t testing.TB) {
		b := bustest.New(t)
		_, err := subscriber.New(b, orders, func(context.Context, topic.Event[string]) error { return errors.New("no stock left") }, nil)
		if err != nil {
			t.Fatalf("%v", err)
		}
		publish(t, b, orders, "first")
		if err := b.Shutdown(t.Context()); err != nil {
			t.Fatalf("%v", err)
		}
	})
	if got.Failures != "" || !strings.Contains(got.Log, `"error":"no stock left"`) {
		t.Errorf("failures %q, log %q", got.Failures, got.Log)
	}
}

// TestNewReportsAHandlerThatDoesNotEnd has a handler that ignores its context, which the end of the bus cannot wait for.
func TestNewReportsAHandlerThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b *bus.Bus
		release := make(chan struct{})
		failures := faketb.Run(t, func(t testing.TB) {
			b = bustest.New(t)
			_, err := subscriber.New(b, orders, func(context.Context, topic.Event[string]) error {
				<-release
				return nil
			}, nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			publish(t, b, orders, "first")
			synctest.Wait()
		}).Failures
		want := "the bus is not done at the end of the test: bus: shutdown incomplete: orders.created: 0 queued, 1 running; context deadline exceeded" +
			" (if the test means that, bustest.AllowUndelivered says so)\n" +
			`a handler is still running 10s after the bus was closed: 1 of subscription "orders.created"`
		if failures != want {
			t.Errorf("failures %q, want %q", failures, want)
		}
		close(release)
		<-b.Done()
	})
}

// The log of a benchmark stands among the figures, and that of a test that fails is read for the reason.
func TestNewLogsLess(t *testing.T) {
	t.Parallel()
	var level zerolog.Level
	testing.Benchmark(func(b *testing.B) { level = bustest.New(b).Logger().GetLevel() })
	if level != zerolog.WarnLevel {
		t.Errorf("a benchmark logs from level %v on", level)
	}
	want := zerolog.WarnLevel
	if testing.Verbose() {
		want = zerolog.TraceLevel
	}
	if level := bustest.New(t).Logger().GetLevel(); level != want {
		t.Errorf("a test logs from level %v on, want %v", level, want)
	}
}
