package main

import (
	"time"

	"github.com/fanfare-go/fanfare/topic"
)

// Order is what the events of the shop are about. It leaves the process as JSON.
type Order struct {
	Number   int
	Customer string
	Cents    int
	At       int64 // when it was published, in Unix nanoseconds: subscribers measure their latency by it
}

// Closing is the last event of the day: how many events there were of each kind.
type Closing struct {
	Created, Cancelled int
}

// A topic has a name and the Go type of its events. Publishers and subscribers name the same variable, so the compiler checks that they
// mean the same type. Orders are keyed by customer.
var (
	Created   = topic.New[Order]("orders.created").WithKey(customer)
	Cancelled = topic.New[Order]("orders.cancelled").WithKey(customer)
	Closed    = topic.New[Closing]("shop.closed")

	// AnyOrder selects every topic that begins with "orders.".
	AnyOrder = topic.NewPrefix[Order]("orders.")
)

func customer(o Order) string { return o.Customer }

// age returns how long ago the order was published.
func (o Order) age() time.Duration { return time.Duration(time.Now().UnixNano() - o.At) }
