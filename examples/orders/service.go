package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Service is shop and billing on one bus.
type Service struct {
	Shop    Shop
	Billing Billing
}

// NewService puts the two together, and begins to bill.
func NewService(on *bus.Bus, charge func(ctx context.Context, o Order) error) (*Service, error) {
	stock, err := request.NewClient(on, Reserve, &request.Options{Attempts: 1}) // a second attempt could reserve twice
	if err != nil {
		return nil, err
	}
	placed, err := publisher.New(on, Placed, nil)
	if err != nil {
		return nil, err
	}
	paid, err := publisher.New(on, Paid, nil)
	if err != nil {
		return nil, err
	}
	shipping, err := pipeline.NewProducer(on, Ship, nil)
	if err != nil {
		return nil, err
	}
	s := &Service{Shop{stock, placed}, Billing{charge, paid, shipping}}
	_, err = s.Billing.Subscribe(on)
	return s, err
}

// run sells from a warehouse that is connected over tcp, and prints what happens.
func run(ctx context.Context, out io.Writer) (err error) {
	far, err := zmq.New(&zmq.Options{Serve: zmq.Bind("tcp://127.0.0.1:0"), Pull: zmq.Bind("tcp://127.0.0.1:0")})
	if err != nil {
		return err
	}
	there, err := bus.New(&bus.Options{Name: "warehouse", Transport: far})
	if err != nil {
		return errors.Join(err, far.Close())
	}
	defer func() { err = errors.Join(err, there.Shutdown(ctx)) }()
	near, err := zmq.New(&zmq.Options{Request: zmq.Connect(far.Bound().Serve...), Push: zmq.Connect(far.Bound().Pull...)})
	if err != nil {
		return err
	}
	here, err := bus.New(&bus.Options{Name: "shop", Transport: near})
	if err != nil {
		return errors.Join(err, near.Close())
	}
	defer func() { err = errors.Join(err, here.Shutdown(ctx)) }() // first: its tasks go to the warehouse
	return sell(ctx, here, there, &printer{out: out})
}

// sell places a few orders.
func sell(ctx context.Context, here, there *bus.Bus, p *printer) error {
	w := NewWarehouse(map[string]int{"lamp": 3}, func(o Order) { p.print("shipped %d %s to %s", o.Quantity, o.Article, o.Customer) })
	if err := w.Open(there); err != nil {
		return err
	}
	s, err := NewService(here, func(_ context.Context, o Order) error {
		p.print("charged %s for %d %s", o.Customer, o.Quantity, o.Article)
		return nil
	})
	if err != nil {
		return err
	}
	for _, o := range []Order{{"1", "ada", "lamp", 2}, {"2", "bob", "lamp", 2}, {"3", "eve", "lamp", 1}} {
		if err := s.Shop.Place(ctx, o); err != nil {
			p.print("refused %v", err)
		}
	}
	return nil
}

// printer prints lines, also from several goroutines.
type printer struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *printer) print(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, format+"\n", args...)
}
