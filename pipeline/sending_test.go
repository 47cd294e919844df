package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// Middleware around Send may refuse a task, give it headers, send it twice, and change what it is, whether it leaves the process or not.
func TestMiddlewareOfProducers(t *testing.T) {
	t.Parallel()
	refusal := errors.New("not allowed")
	mark := bus.Wrap("mark", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			if err := m.SetHeader("from", m.Topic()); err != nil {
				return err
			}
			return next(ctx, m)
		}
	})
	decide := bus.Wrap("decide", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			payload, err := m.Payload()
			if err != nil || m.Header("from") == "" {
				return errors.Join(err, errors.New("the bus's middleware comes later"))
			}
			switch string(payload) {
			case "1":
				return refusal
			case "2":
				if err := next(ctx, m); err != nil {
					return err
				}
			case "3":
				m.SetPayload([]byte("33"))
			}
			return next(ctx, m)
		}
	})
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		b := open(&bus.Options{Publish: []bus.Middleware{mark}})
		var got log[string]
		newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			d, _ := pipeline.DeliveryFrom(ctx)
			got.add(fmt.Sprint(n, " ", d.Header("from")))
			return nil
		}, nil)
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{Middleware: []bus.Middleware{decide}})
		if err := p.Send(t.Context(), 1); !errors.Is(err, refusal) {
			t.Error(err)
		}
		send(t, p, 2, 3, 4)
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		want(t, "handled", got.all(), "2 numbers", "2 numbers", "33 numbers", "4 numbers")
		if s := p.Stats(); s.Sent != 4 {
			t.Errorf("%+v", s)
		}
	}, alone)
}

// What stands around Send knows afterwards which task it was, as a publisher's middleware does.
func TestMiddlewareOfProducersKnowsTheNumber(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		b := open()
		bustest.AllowUndelivered(t, b)
		var seen []string
		look := bus.Wrap("look", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				err := next(ctx, m)
				seen = append(seen, fmt.Sprint(m.Seq(), m.ID() != ""))
				return err
			}
		})
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{Middleware: []bus.Middleware{look}})
		send(t, p, 1, 2)
		want(t, "seen", seen, "1 true", "2 true")
	}, alone)
}
