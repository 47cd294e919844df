// Command fanfare publishes and subscribes from the command line: to Fanfare buses, and to any other program that speaks ZeroMQ.
//
//	fanfare sub --connect tcp://localhost:5555 --prefix orders.
//	fanfare pub --bind tcp://*:5555 --wait 1 orders.created '{"id": 1}'
//
// "fanfare sub --help" and "fanfare pub --help" explain the two verbs, with examples.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal ends the work in good order. After it the default is back in force, so a second one ends the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	signal.Ignore(syscall.SIGPIPE) // a reader that has gone away is an error of a write, like any other
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
