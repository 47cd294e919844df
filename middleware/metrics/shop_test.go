package metrics_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/metrics"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

var (
	created   = topic.New[string]("orders.created")
	cancelled = topic.New[string]("orders.cancelled")
	price     = request.NewCall[string, int]("price")
	pack      = pipeline.NewTask[string]("pack")

	errNoStock = errors.New("no stock left")
)

// The times that handlers take are sums of powers of two, so that sums of them are exact.
const (
	eighth    = time.Second / 8
	sixteenth = time.Second / 16
)

// again is a middleware that makes up to three attempts.
func again() bus.Middleware {
	return bus.Middleware{Name: "again", Phase: bus.PhaseRetry, Attempts: 3, Wrap: func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) (err error) {
			for n := 1; n <= 3; n++ {
				m.SetAttempt(n)
				if err = next(ctx, m); !errors.Is(err, errNoStock) {
					return err
				}
			}
			return err
		}
	}}
}

// shop is a bus that is measured, with all that can be.
type shop struct {
	t                  *testing.T
	bus                *bus.Bus
	created, cancelled *publisher.Publisher[string]
	audited            chan struct{} // gets one for each event that audit has handled
}

func openShop(t *testing.T, m *metrics.Metrics) *shop {
	t.Helper()
	b := bustest.New(t, &bus.Options{Name: "shop", Publish: []bus.Middleware{m.Middleware()}, Subscribe: []bus.Middleware{m.Middleware()}})
	bustest.AllowUndelivered(t, b) // a policy drops some
	m.Watch(b)
	s := &shop{t: t, bus: b, audited: make(chan struct{}, 8)}
	s.subscribe(created, stock, subscriber.Options{Name: "stock", Middleware: []bus.Middleware{again()}})
	s.subscribe(created, func(_ context.Context, e topic.Event[string]) error {
		if e.Value == "bad" {
			return errNoStock
		}
		return nil
	}, subscriber.Options{Name: "ledger", Inline: true})
	s.subscribe(topic.NewPrefix[string]("orders."), func(context.Context, topic.Event[string]) error {
		<-time.After(2 * time.Second)
		s.audited <- struct{}{}
		return nil
	}, subscriber.Options{Name: "audit", Queue: 1, Overflow: bus.DropNewest})
	refuse := bus.Wrap("refuse", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if m.Event().(*topic.Event[string]).Value == "refused" {
				return errNoStock
			}
			return next(ctx, m)
		}
	})
	s.created = s.publisher(created, refuse)
	s.cancelled = s.publisher(cancelled)
	return s
}

func (s *shop) subscribe(sel topic.Selector[string], h func(context.Context, topic.Event[string]) error, o subscriber.Options) {
	s.t.Helper()
	if _, err := subscriber.New(s.bus, sel, h, &o); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) publisher(on topic.Topic[string], chain ...bus.Middleware) *publisher.Publisher[string] {
	s.t.Helper()
	p, err := publisher.New(s.bus, on, &publisher.Options{Middleware: chain})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// stock is the handler of the subscription "stock".
func stock(_ context.Context, e topic.Event[string]) error {
	switch e.Value {
	case "good":
		<-time.After(eighth)
	case "bad": // each of three attempts
		<-time.After(sixteenth)
		return errNoStock
	case "odd":
		return bus.ErrFiltered
	case "panic":
		panic("on purpose")
	case "exit":
		runtime.Goexit()
	}
	return nil
}

// publish publishes, and lets every handler get as far as it does without time passing.
func (s *shop) publish(p *publisher.Publisher[string], value string, want error) {
	s.t.Helper()
	if err := p.Publish(s.t.Context(), value); !errors.Is(err, want) {
		s.t.Errorf("publishing %s: %v, want %v", value, err, want)
	}
	synctest.Wait()
}

// work has a request answered and a task done.
func (s *shop) work() {
	s.t.Helper()
	ctx := s.t.Context()
	_, err := request.Serve(s.bus, price, func(context.Context, string) (int, error) { <-time.After(eighth); return 7, nil }, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client, err := request.NewClient(s.bus, price, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if n, err := client.Do(ctx, "pencil"); n != 7 || err != nil {
		s.t.Errorf("%d, %v", n, err)
	}
	_, err = pipeline.NewWorker(s.bus, pack, func(context.Context, string) error { <-time.After(sixteenth); return nil }, &pipeline.Options{Name: "packer"})
	if err != nil {
		s.t.Fatal(err)
	}
	producer, err := pipeline.NewProducer(s.bus, pack, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := errors.Join(producer.Send(ctx, "pencil"), producer.Wait(ctx)); err != nil {
		s.t.Error(err)
	}
}
