// Command quickstart runs a small shop as three processes that share events over tcp:
//
//	orders   publishes orders that are created and cancelled; an audit in the same process listens to them
//	billing  wants every order that was created
//	stock    wants everything about orders, by prefix
//
// Run it with "go run ./examples/quickstart". It starts the other processes itself, stops after some seconds, and ends with a table
// of what was published and what arrived. Its exit code is 1 if anything is missing.
//
// Where to read on: topics.go has the events, orders.go the service that publishes, audit.go a subscriber in the same process with
// middleware, billing.go and stock.go the subscribers in processes of their own.
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
	role := "quickstart"
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	err := run(ctx, role, os.Args)
	if err != nil && (ctx.Err() == nil || role == "quickstart") { // a service that was told to end has nothing to explain
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
	}
	if err != nil {
		os.Exit(1)
	}
}

// run is the work of one process. Without a role that is to start the others.
func run(ctx context.Context, role string, args []string) error {
	r := newReporter(os.Stdout)
	switch {
	case len(args) == 1:
		return runDemo(ctx, os.Stdout)
	case len(args) == 2 && role == "orders":
		return runOrders(ctx, r)
	case len(args) == 3 && role == "billing":
		return runBilling(ctx, args[2], r)
	case len(args) == 3 && role == "stock":
		return runStock(ctx, args[2], r)
	default:
		return fmt.Errorf("unknown arguments %q: start it without any", args[1:])
	}
}
