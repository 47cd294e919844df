package main

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/request"
)

// Shop takes orders.
type Shop struct {
	Stock  request.Interface[Reservation, Reserved]
	Placed publisher.Interface[Order]
}

// Place takes an order, if there are enough goods for it.
func (s *Shop) Place(ctx context.Context, o Order) error {
	if o.Quantity < 1 {
		return fmt.Errorf("order %s: the quantity is %d, it must be 1 or more", o.ID, o.Quantity)
	}
	if _, err := s.Stock.Do(ctx, Reservation{o.Article, o.Quantity}); err != nil {
		return fmt.Errorf("order %s: reserving %d of %s: %w", o.ID, o.Quantity, o.Article, err)
	}
	if err := s.Placed.Publish(ctx, o, publisher.ID(o.ID)); err != nil {
		return fmt.Errorf("order %s: %w", o.ID, err)
	}
	return nil
}
