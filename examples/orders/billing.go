package main

import (
	"context"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// Billing charges for orders, and has the paid ones shipped.
type Billing struct {
	Charge   func(ctx context.Context, o Order) error // tells by the order's ID what it has charged for already
	Paid     publisher.Interface[Order]
	Shipping pipeline.Interface[Order]
}

// Handle bills one order. It may be called again for the same one: the IDs of what it publishes and sends are the same then.
func (b *Billing) Handle(ctx context.Context, e topic.Event[Order]) error {
	if err := b.Charge(ctx, e.Value); err != nil {
		return err
	}
	if err := b.Shipping.Send(ctx, e.Value, pipeline.ID(e.ID())); err != nil {
		return err
	}
	return b.Paid.Publish(ctx, e.Value, publisher.ID(e.ID()))
}

// Subscribe has every order that is placed billed: four attempts, the first wait a second long, and an order that was billed is not billed
// again.
func (b *Billing) Subscribe(on *bus.Bus) (*subscriber.Subscription, error) {
	return subscriber.New(on, Placed, b.Handle, &subscriber.Options{
		Name:    "billing",
		Workers: 4,
		Middleware: []bus.Middleware{
			middleware.Deduplicate(nil),
			middleware.Retry(&middleware.RetryOptions{Attempts: 4, Initial: time.Second, Jitter: -1}),
		},
	})
}
