package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
)

// Warehouse has goods.
type Warehouse struct {
	deliver func(o Order) // is called for each order that leaves

	mu      sync.Mutex
	stock   map[string]int
	shipped map[string]bool // by order ID
}

// NewWarehouse returns a warehouse with so many of each article. It calls deliver for each order that leaves.
func NewWarehouse(stock map[string]int, deliver func(o Order)) *Warehouse {
	return &Warehouse{deliver: deliver, stock: stock, shipped: map[string]bool{}}
}

// Reserve puts goods aside.
func (w *Warehouse) Reserve(_ context.Context, r Reservation) (Reserved, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.stock[r.Article]
	if left < r.Quantity {
		return Reserved{}, fmt.Errorf("only %d left", left)
	}
	w.stock[r.Article] = left - r.Quantity
	return Reserved{Left: left - r.Quantity}, nil
}

// Ship sends the goods of an order. Tasks are delivered at least once: an order that comes again has left already.
func (w *Warehouse) Ship(_ context.Context, o Order) error {
	w.mu.Lock()
	again := w.shipped[o.ID]
	w.shipped[o.ID] = true
	w.mu.Unlock()
	if !again {
		w.deliver(o)
	}
	return nil
}

// Open answers reservations and ships orders on a bus.
func (w *Warehouse) Open(on *bus.Bus) error {
	if _, err := request.Serve(on, Reserve, w.Reserve, nil); err != nil {
		return err
	}
	_, err := pipeline.NewWorker(on, Ship, w.Ship, &pipeline.Options{Name: "warehouse"})
	return err
}
