package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// parties returns what makes each kind of party on b with middleware of its own, by the option that this stands in.
func parties(b *bus.Bus, own ...bus.Middleware) map[string]func() error {
	return map[string]func() error{
		"publisher.Options.Middleware": func() error {
			_, err := publisher.New(b, numbers, &publisher.Options{Middleware: own})
			return err
		},
		"subscriber.Options.Middleware": func() error {
			_, err := subscriber.New(b, numbers, func(context.Context, topic.Event[int]) error { return nil }, &subscriber.Options{Middleware: own})
			return err
		},
		"request.Options.Middleware": func() error {
			_, err := request.NewClient(b, request.NewCall[int, int]("double"), &request.Options{Middleware: own})
			return err
		},
		"request.ServeOptions.Middleware": func() error {
			_, err := request.Serve(b, request.NewCall[int, int]("double"), func(context.Context, int) (int, error) { return 0, nil }, &request.ServeOptions{Middleware: own})
			return err
		},
		"pipeline.ProducerOptions.Middleware": func() error {
			_, err := pipeline.NewProducer(b, pipeline.NewTask[int]("double"), &pipeline.ProducerOptions{Middleware: own})
			return err
		},
		"pipeline.Options.Middleware": func() error {
			_, err := pipeline.NewWorker(b, pipeline.NewTask[int]("double"), func(context.Context, int) error { return nil }, &pipeline.Options{Middleware: own})
			return err
		},
	}
}

// nothing is a middleware that forgets to return a handler, as one that is to let nobody through may.
var nothing = bus.Wrap("auth", func(bus.Handler) bus.Handler { return nil })

// A middleware that returns no handler is refused by whatever would use it, in both lists.
func TestMiddlewareWithoutAHandler(t *testing.T) {
	t.Parallel()
	own := bustest.New(t, &bus.Options{Publish: []bus.Middleware{log}, Subscribe: []bus.Middleware{log}})
	for field, make := range parties(own, audit, nothing) {
		err := make()
		want := field + `[1].Wrap(next) is <nil>, it must be a handler (middleware "auth")`
		if option := (*bus.OptionError)(nil); !errors.As(err, &option) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	common := bustest.New(t, &bus.Options{Publish: []bus.Middleware{nothing}, Subscribe: []bus.Middleware{nothing}})
	for field, make := range parties(common, audit) {
		err := make()
		if option := (*bus.OptionError)(nil); !errors.As(err, &option) || !strings.HasPrefix(option.Field, "bus.Options.") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What Chain cannot wrap is not called.
func TestChainFailsClosed(t *testing.T) {
	t.Parallel()
	invalid := bus.Wrap("timeout", func(next bus.Handler) bus.Handler { return next })
	invalid.Err = errors.New("no time")
	for want, m := range map[string]bus.Middleware{
		`bus.Chain chain[1].Wrap(next) is <nil>, it must be a handler (middleware "auth")`: nothing,
		`bus.Chain chain[1].Wrap is <nil>, it must be a function (middleware "empty")`:     {Name: "empty"},
		`bus.Chain chain[1] (middleware "timeout"): no time`:                               invalid,
	} {
		h := bus.Chain(func(context.Context, *bus.Message) error { t.Error("called"); return nil }, audit, m, log)
		if err := h(t.Context(), nil); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// What is for one side only is refused on the other, by whatever would use it, unless it names no phase.
func TestPhasesOfOneSide(t *testing.T) {
	t.Parallel()
	receive, send := placed("receive", bus.PhaseReceive), placed("send", bus.PhaseSend)
	const limit = `.Phase is %s, it must be one of the %s side (middleware %q)`
	for _, tc := range []struct {
		o    bus.Options
		want string
	}{
		{bus.Options{Subscribe: []bus.Middleware{log, send}}, "bus.Options.Subscribe[1]" + fmt.Sprintf(limit, "send", "subscribe", "send")},
		{bus.Options{Publish: []bus.Middleware{receive}}, "bus.Options.Publish[0]" + fmt.Sprintf(limit, "receive", "publish", "receive")},
	} {
		_, err := bus.New(&tc.o)
		if option := (*bus.OptionError)(nil); !errors.As(err, &option) || err.Error() != tc.want {
			t.Errorf("got  %v\nwant %s", err, tc.want)
		}
	}
	refused := map[string]int{}
	for side, m := range map[string]bus.Middleware{"subscribe": send, "publish": receive} {
		b := bustest.New(t)
		for field, make := range parties(b, m) {
			err := make()
			option, ok := errors.AsType[*bus.OptionError](err)
			if err == nil {
				continue
			}
			if refused[side]++; !ok || err.Error() != field+"[0]"+fmt.Sprintf(limit, m.Name, side, m.Name) {
				t.Errorf("%s, %s: %v, %v", side, field, err, option)
			}
		}
		for field, make := range parties(bustest.New(t), placed(m.Name, 0)) {
			if err := make(); err != nil {
				t.Errorf("%s without a phase: %v", field, err)
			}
		}
	}
	if refused["subscribe"] != 3 || refused["publish"] != 3 {
		t.Errorf("refused %v", refused)
	}
}
