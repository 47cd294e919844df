// Command fanfare publishes and subscribes, asks and answers, hands out tasks and does them from the command line: with Fanfare buses, and
// with any other program that speaks ZeroMQ.
//
//	fanfare sub --connect tcp://localhost:5555 --prefix orders.
//	fanfare pub --bind tcp://*:5555 --wait 1 orders.created '{"id": 1}'
//	fanfare reply --bind tcp://*:5556 --command 'wc -c' text.length
//	fanfare req --connect tcp://localhost:5556 text.length 'hello, world'
//	fanfare push --bind tcp://*:5557 images.resize a.png
//	fanfare pull --connect tcp://localhost:5557 --exec ./resize.sh images.resize
//
// "fanfare sub --help", and the same with another verb, explains it, with examples.
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
	// A reader that has gone away is an error of a write, like any other. Ignoring the signal would do for that, but would be handed
	// down to the commands that are run.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
