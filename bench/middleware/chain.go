package main

import (
	"context"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/google/uuid"
)

var orders = topic.New[string]("orders.created")

// around calls a handler in one middleware and alone, as a subscription calls it: with a context that can be cancelled and an event that is another
// one each time.
func around(m bus.Middleware, handler bus.Handler) pair {
	return pair{with: calls(bus.Chain(handler, m)), without: calls(handler)}
}

func calls(h bus.Handler) func(*testing.B) {
	return func(b *testing.B) {
		owner, err := bus.New(nil)
		if err != nil {
			b.Fatal(err)
		}
		defer end(b, owner)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		template := topic.NewEvent("two pencils", topic.Metadata{Topic: orders.String(), Source: uuid.New(), Time: time.Now(), Key: "ada"})
		event := template
		message := bus.NewMessage(&bus.Party{Bus: owner, Role: bus.RoleSubscriber, Name: "stock"}, orders.Codec())
		seq := uint64(0)
		b.ReportAllocs()
		begin := processorTime()
		for b.Loop() {
			seq++
			event = template // the middleware may have changed it
			event.Meta().Seq = seq
			message.Reset(event.Meta(), &event, &event.Value)
			if err := h(ctx, message); err != nil {
				b.Fatal(err)
			}
		}
		report(b, begin)
	}
}

// emptyChain takes events through a bus with empty lists of middleware, and with none.
func emptyChain(inline bool) pair {
	return pair{
		with:    crossings(inline, []bus.Middleware{}),
		without: crossings(inline, nil),
	}
}

func crossings(inline bool, chain []bus.Middleware) func(*testing.B) {
	return func(b *testing.B) {
		crossed, err := bus.New(&bus.Options{Publish: chain, Subscribe: chain})
		if err != nil {
			b.Fatal(err)
		}
		defer end(b, crossed)
		handled, all := 0, make(chan struct{})
		handler := func(context.Context, topic.Event[string]) error {
			if handled++; handled == b.N {
				close(all)
			}
			return nil
		}
		if _, err := subscriber.New(crossed, orders, handler, &subscriber.Options{Inline: inline, Middleware: chain}); err != nil {
			b.Fatal(err)
		}
		p, err := publisher.New(crossed, orders, &publisher.Options{Middleware: chain})
		if err != nil {
			b.Fatal(err)
		}
		ctx := context.Background()
		b.ReportAllocs()
		b.ResetTimer()
		begin := processorTime()
		for range b.N {
			if err := p.Publish(ctx, "two pencils"); err != nil {
				b.Fatal(err)
			}
		}
		<-all
		report(b, begin)
	}
}

// end closes a bus, and waits until it has ended.
func end(b *testing.B, ended *bus.Bus) {
	b.Helper()
	if err := ended.Close(); err != nil {
		b.Error(err)
	}
	<-ended.Done()
}
