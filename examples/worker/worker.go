package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Number is a task.
type Number struct {
	Num int `json:"num"`
}

// Result is what becomes of it: a task of the next stage.
type Result struct {
	ConsumerID int `json:"consumer_id"` // of the worker
	Num        int `json:"num"`
}

// The tasks of the pipeline. Their names tell them apart where both sides are programs of this module; the plain form has none.
var (
	Numbers = pipeline.NewTask[Number]("numbers")
	Results = pipeline.NewTask[Result]("results")
)

// farewell is how long the end may take: as long as a collector is missing, the results are here.
const farewell = 10 * time.Second

// settings are the flags.
type settings struct {
	pull, push           string
	takePlain, givePlain bool
}

// run works until ctx ends.
func run(ctx context.Context, s settings) error {
	tr, err := zmq.New(&zmq.Options{Pull: zmq.Connect(s.pull), Push: zmq.Bind(s.push)})
	if err != nil {
		return err
	}
	b, err := bus.New(&bus.Options{Name: "worker", Transport: tr})
	if err != nil {
		return err
	}
	defer b.Close()

	if err := stage(b, s); err != nil {
		return err
	}
	fmt.Println("ready", tr.Bound().Push[0])

	<-ctx.Done()
	end, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	return b.Shutdown(end)
}

// stage takes numbers and sends results on a bus.
func stage(b *bus.Bus, s settings) error {
	results, err := pipeline.NewProducer(b, Results, &pipeline.ProducerOptions{Plain: s.givePlain})
	if err != nil {
		return err
	}
	id := rand.IntN(1_000_000)
	_, err = pipeline.NewWorker(b, Numbers, func(ctx context.Context, n Number) error {
		// The number is acknowledged when this returns nil. Send waits while too many results are on their way, so a slow collector slows
		// this worker, and through it the producer.
		return results.Send(ctx, Result{ConsumerID: id, Num: n.Num})
	}, &pipeline.Options{Default: s.takePlain})
	return err
}
