package main

import (
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/topic"
)

// Order is what a customer wants.
type Order struct {
	ID       string
	Customer string
	Article  string
	Quantity int
}

// Reservation asks for goods to be put aside.
type Reservation struct {
	Article  string
	Quantity int
}

// Reserved is what is left after that.
type Reserved struct{ Left int }

var (
	// Placed has the orders that the shop could take. Those of one customer stay in order.
	Placed = topic.New[Order]("orders.placed").WithKey(func(o Order) string { return o.Customer })
	// Paid has the orders that were paid.
	Paid = topic.New[Order]("orders.paid").WithKey(func(o Order) string { return o.Customer })
	// Reserve is the call that the warehouse answers.
	Reserve = request.NewCall[Reservation, Reserved]("stock.reserve")
	// Ship is the task of sending the goods.
	Ship = pipeline.NewTask[Order]("orders.ship")
)
