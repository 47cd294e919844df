// Command worker is the middle of a pipeline. It takes numbers as JSON, {"num": 7}, adds who it is, and hands the results on,
// {"consumer_id": 4711, "num": 7}. Start as many as you like, before or after whoever sends the numbers and whoever collects the results:
//
//	worker -pull tcp://producer:5557 -push 'tcp://*:5558'
//
// Between programs of this module nothing is lost when a worker dies: a number is acknowledged after its result was accepted for the next
// stage, and until then it belongs to the producer, which gives it to another worker.
//
// With -default it takes the numbers of plain PUSH sockets of any language as well, and with -plain plain PULL sockets get its results:
//
//	worker -pull tcp://producer:5557 -push 'tcp://*:5558' -default -plain
//
// It ends with SIGINT or SIGTERM: numbers that it has not begun go back to the producer, and it waits until its results are with the collector.
//
// Where to read on: worker.go has the tasks and the stage.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var s settings
	flag.StringVar(&s.pull, "pull", "", "where the numbers come from: the `endpoint` to connect to")
	flag.StringVar(&s.push, "push", "", "where collectors find the results: the `endpoint` to bind")
	flag.BoolVar(&s.takePlain, "default", false, "take numbers of plain PUSH sockets as well")
	flag.BoolVar(&s.givePlain, "plain", false, "give results to plain PULL sockets as well")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintf(os.Stderr, "worker: %v\n", err)
		os.Exit(1)
	}
}
