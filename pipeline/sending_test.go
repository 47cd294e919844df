package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
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
	for _, transport := range []*zmq.Options{nil, {Push: zmq.Bind("tcp://127.0.0.1:0")}} {
		o := &bus.Options{Publish: []bus.Middleware{mark}}
		if transport != nil {
			tr, err := zmq.New(transport)
			if err != nil {
				t.Fatal(err)
			}
			o.Transport = tr
		}
		b, err := bus.New(o)
		if err != nil {
			t.Fatal(err)
		}
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
		if all := fmt.Sprint(got.all()); all != "[2 numbers 2 numbers 33 numbers 4 numbers]" {
			t.Errorf("%v: %s", transport != nil, all)
		}
		if s := p.Stats(); s.Sent != 4 {
			t.Errorf("%+v", s)
		}
		<-b.Done()
	}
}

// What stands around Send knows afterwards which task it was, as a publisher's middleware does.
func TestMiddlewareOfProducersKnowsTheNumber(t *testing.T) {
	t.Parallel()
	for name, transport := range map[string]*zmq.Options{"on one bus": nil, "with a transport": {Push: zmq.Bind("tcp://127.0.0.1:0")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &bus.Options{}
			if transport != nil {
				tr, err := zmq.New(transport)
				if err != nil {
					t.Fatal(err)
				}
				o.Transport = tr
			}
			b := bustest.New(t, o)
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
		})
	}
}
