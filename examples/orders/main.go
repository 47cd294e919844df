// Command orders is a small order service, to show how one is built so that it can be tested, and how it is: the tests beside it go from a
// fake to a network that loses messages, and docs/guide/testing.md goes through them.
//
//	shop       takes orders: reserves the goods with a request, and publishes each order that it could take
//	billing    charges for every order that was placed, again if the payment fails, and has the paid ones shipped
//	warehouse  answers reservations, and ships
//
// Run it with "go run ./examples/orders": shop and billing on one bus, the warehouse on another one, connected over tcp.
//
// Where to read on: topics.go has what they tell each other; shop.go, billing.go and warehouse.go have a part each, which knows nothing of buses
// but where it starts; service.go puts them together.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "orders: %v\n", err)
		os.Exit(1)
	}
}
