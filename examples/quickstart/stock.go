package main

import (
	"context"
	"os"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// runStock is a service that subscribes by prefix: to every topic that begins with "orders.", whoever publishes it.
func runStock(ctx context.Context, orders string, r *reporter) error {
	tr, err := zmq.New(&zmq.Options{Subscribe: zmq.Connect(orders)})
	if err != nil {
		return err
	}
	b, err := bus.New(&bus.Options{Name: "stock", Transport: tr})
	if err != nil {
		return err
	}
	defer b.Close()
	b.Notices(r.notice)

	var (
		t        tally
		reserved int
	)
	sub, err := subscriber.New(b, AnyOrder, func(_ context.Context, e topic.Event[Order]) error {
		t.add(e.Value.age())
		switch e.Topic() {
		case Created.String():
			reserved++
		case Cancelled.String():
			reserved--
		}
		if e.Value.Number%1000 == 0 {
			r.say("%s: order %d from %s, %d items are reserved", e.Topic(), e.Value.Number, e.Header("region"), reserved)
		}
		return nil
	}, nil)
	if err != nil {
		return err
	}
	end, err := watchClosing(b)
	if err != nil {
		return err
	}

	if err := sub.Ready(ctx); err != nil {
		return err
	}
	r.say("ready, as process %d", os.Getpid())

	c, err := end.await(ctx)
	if err != nil {
		return err
	}
	t.await(ctx, c.Created+c.Cancelled)
	if err := end.awaitPublisherGone(ctx); err != nil {
		return err
	}
	if err := b.Shutdown(ctx); err != nil {
		return err
	}
	r.result(t.result("stock", AnyOrder, sub, b))
	return nil
}
