package main

import (
	"context"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

const (
	orderCount  = 5000
	batchSize   = 5                    // orders at a time
	batchPause  = 4 * time.Millisecond // between one batch and the next
	cancelEvery = 10                   // one order of so many is cancelled
)

// runOrders is the service that publishes. Its bus listens for subscribers in other processes.
func runOrders(ctx context.Context, r *reporter) error {
	tr, err := zmq.New(&zmq.Options{Publish: zmq.Bind("tcp://127.0.0.1:0")}) // any free port
	if err != nil {
		return err
	}
	b, err := bus.New(&bus.Options{Name: "orders", Transport: tr}) // the bus owns the transport from now on
	if err != nil {
		return err
	}
	defer b.Close()
	b.Notices(r.notice)
	a, err := newAudit(b, r)
	if err != nil {
		return err
	}
	s, err := newShop(b)
	if err != nil {
		return err
	}

	r.listening(tr.Bound().Publish[0])
	if err := s.awaitSubscribers(ctx); err != nil {
		return err
	}
	r.say("all subscribers are there, opening")
	if err := s.trade(ctx, r); err != nil {
		return err
	}
	// Shutdown lets the audit finish and returns when billing and stock have everything.
	if err := b.Shutdown(ctx); err != nil {
		return err
	}
	r.published(map[string]int{Created.String(): s.total.Created, Cancelled.String(): s.total.Cancelled})
	r.result(a.result(b))
	return nil
}

// shop publishes what happens in it.
type shop struct {
	created, cancelled *publisher.Publisher[Order]
	closed             *publisher.Publisher[Closing]
	total              Closing
}

func newShop(b *bus.Bus) (s *shop, err error) {
	s = &shop{}
	if s.created, err = publisher.New(b, Created, nil); err != nil {
		return nil, err
	}
	if s.cancelled, err = publisher.New(b, Cancelled, nil); err != nil {
		return nil, err
	}
	s.closed, err = publisher.New(b, Closed, nil)
	return s, err
}

// awaitSubscribers returns when everybody is subscribed, so that nobody misses the first orders.
func (s *shop) awaitSubscribers(ctx context.Context) error {
	if err := s.created.WaitSubscribers(ctx, 3); err != nil { // audit, billing and stock
		return err
	}
	if err := s.cancelled.WaitSubscribers(ctx, 1); err != nil { // stock
		return err
	}
	return s.closed.WaitSubscribers(ctx, 2) // billing and stock
}

// trade publishes the events of a day.
func (s *shop) trade(ctx context.Context, r *reporter) error {
	customers := []string{"ada", "barbara", "dennis", "edsger", "frances", "grace", "ken"}
	pace := time.NewTicker(batchPause)
	defer pace.Stop()
	for i := range orderCount {
		if i%batchSize == 0 {
			select {
			case <-pace.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		o := Order{Number: i + 1, Customer: customers[i%len(customers)], Cents: 100 + i%900}
		if err := s.sell(ctx, o); err != nil {
			return err
		}
		if o.Number%1000 == 0 {
			r.say("order %d published, for %s", o.Number, o.Customer)
		}
	}
	return s.closed.Publish(ctx, s.total)
}

// sell publishes that an order was created and, of some, that it was cancelled. A header travels with an event, outside of its value.
func (s *shop) sell(ctx context.Context, o Order) error {
	o.At = time.Now().UnixNano()
	if err := s.created.Publish(ctx, o, publisher.Header("region", "eu")); err != nil {
		return err
	}
	s.total.Created++
	if o.Number%cancelEvery != 0 {
		return nil
	}
	o.At = time.Now().UnixNano()
	if err := s.cancelled.Publish(ctx, o, publisher.Header("region", "eu")); err != nil {
		return err
	}
	s.total.Cancelled++
	return nil
}
