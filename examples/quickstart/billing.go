package main

import (
	"context"
	"os"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// runBilling is a service that subscribes to one topic of another process.
func runBilling(ctx context.Context, orders string, r *reporter) error {
	tr, err := zmq.New(&zmq.Options{Subscribe: zmq.Connect(orders)})
	if err != nil {
		return err
	}
	b, err := bus.New(&bus.Options{Name: "billing", Transport: tr})
	if err != nil {
		return err
	}
	defer b.Close()
	b.Notices(r.notice)

	var (
		t     tally
		total int // only the handler uses it: a subscription calls it for one event at a time
	)
	sub, err := subscriber.New(b, Created, func(_ context.Context, e topic.Event[Order]) error {
		t.add(e.Value.age())
		if total += e.Value.Cents; e.Seq()%1000 == 0 {
			r.say("%d orders billed, the last one to %s, %d.%02d in all", e.Seq(), e.Key(), total/100, total%100)
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

	// Ready returns when the subscriptions are in force at the publisher.
	if err := sub.Ready(ctx); err != nil {
		return err
	}
	r.say("ready, as process %d", os.Getpid())

	c, err := end.await(ctx)
	if err != nil {
		return err
	}
	t.await(ctx, c.Created)
	if err := end.awaitPublisherGone(ctx); err != nil {
		return err
	}
	if err := b.Shutdown(ctx); err != nil {
		return err
	}
	r.result(t.result("billing", Created, sub, b))
	return nil
}
