package cloudevents_test

import (
	"context"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

// sample is a payload of 51 bytes.
var sample = order{Item: "a dozen pencils, medium", Count: 12}

// benchmark measures a handler inside of chain. meta is that of each event, and payload, if not nil, is still to be decoded.
func benchmark(b *testing.B, role bus.Role, meta envelope.Meta, payload []byte, chain ...bus.Middleware) {
	in, err := bus.New(&bus.Options{Name: "billing"})
	if err != nil {
		b.Fatal(err)
	}
	h := bus.Chain(func(context.Context, *bus.Message) error { return nil }, chain...)
	m := bus.NewMessage(&bus.Party{Bus: in, Role: role, Name: orders.String()}, codec.JSON)
	if payload != nil {
		meta.SetEncoded([][]byte{payload})
	}
	b.ReportAllocs()
	var e topic.Event[order]
	for b.Loop() {
		e = topic.FromMeta(sample, meta)
		m.Reset(e.Meta(), &e, &e.Value)
		if err := h(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
	if err := in.Close(); err != nil {
		b.Fatal(err)
	}
	<-in.Done()
}

func origin() *envelope.Origin {
	return &envelope.Origin{Topic: orders.String(), ContentType: "application/json", Keyed: true}
}

// sent returns an event as Send makes it.
func sent(b *testing.B, mode cloudevents.Mode) (meta envelope.Meta, payload []byte) {
	m := bus.NewMessage(&bus.Party{Bus: bustest.New(b), Role: bus.RolePublisher}, codec.JSON)
	e := topic.FromMeta(sample, envelope.Meta{Origin: origin(), Time: 1700000000000000000})
	m.Reset(e.Meta(), &e, &e.Value)
	h := bus.Chain(func(context.Context, *bus.Message) (err error) {
		meta = *m.Meta()
		payload, err = m.Payload()
		return err
	}, cloudevents.Send(&cloudevents.SendOptions{Mode: mode}))
	if err := h(b.Context(), m); err != nil {
		b.Fatal(err)
	}
	return meta, payload
}

func BenchmarkSend(b *testing.B) {
	meta := envelope.Meta{Origin: origin(), Time: 1700000000000000000}
	for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
		b.Run(mode.String(), func(b *testing.B) {
			benchmark(b, bus.RolePublisher, meta, nil, cloudevents.Send(&cloudevents.SendOptions{Mode: mode}))
		})
	}
}

func BenchmarkReceive(b *testing.B) {
	for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
		b.Run(mode.String(), func(b *testing.B) {
			meta, payload := sent(b, mode)
			benchmark(b, bus.RoleSubscriber, meta, payload, cloudevents.Receive(nil))
		})
	}
	b.Run("no CloudEvent", func(b *testing.B) {
		benchmark(b, bus.RoleSubscriber, envelope.Meta{Origin: origin()}, nil, cloudevents.Receive(nil))
	})
}
