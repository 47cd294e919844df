package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/rs/zerolog"
)

// Image is what the examples resize.
type Image struct {
	Name  string `json:"name"`
	Width int    `json:"width"`
}

var (
	Resize = pipeline.NewTask[Image]("images.resize")
	Upload = pipeline.NewTask[string]("images.upload")
)

// One worker handles tasks in the order in which they were sent. Wait tells that all of them are done.
func ExampleNewProducer() {
	b, err := bus.New(nil)
	if err != nil {
		panic(err)
	}
	defer b.Close()
	ctx := context.Background()
	p, err := pipeline.NewProducer(b, Resize, nil)
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"cat", "dog"} {
		if err := p.Send(ctx, Image{name, 100}); err != nil {
			panic(err)
		}
	}
	_, err = pipeline.NewWorker(b, Resize, func(_ context.Context, im Image) error {
		fmt.Println("resized", im.Name)
		return nil
	}, nil)
	if err != nil {
		panic(err)
	}
	if err := p.Wait(ctx); err != nil {
		panic(err)
	}
	fmt.Println("done:", p.Stats().Acknowledged)
	// Output:
	// resized cat
	// resized dog
	// done: 2
}

// A task that fails for good goes to the dead-letter task, which is a task like any other.
func ExampleNewWorker() {
	b, err := bus.New(&bus.Options{Logger: new(zerolog.Logger)}) // failed tasks are logged: not here
	if err != nil {
		panic(err)
	}
	defer b.Close()
	ctx := context.Background()
	p, err := pipeline.NewProducer(b, Resize, nil)
	if err != nil {
		panic(err)
	}
	_, err = pipeline.NewWorker(b, Resize, func(_ context.Context, im Image) error {
		if im.Width == 0 {
			return pipeline.DeadLetter(errors.New("no width"))
		}
		return nil
	}, &pipeline.Options{Workers: 4})
	if err != nil {
		panic(err)
	}
	buried := make(chan string)
	_, err = pipeline.NewWorker(b, pipeline.NewTask[Image]("images.resize.dead"), func(ctx context.Context, im Image) error {
		d, _ := pipeline.DeliveryFrom(ctx)
		buried <- fmt.Sprintf("%s: %s, attempt %s", im.Name, d.Header(pipeline.DeadLetterReason), d.Header(pipeline.DeadLetterAttempts))
		return nil
	}, nil)
	if err != nil {
		panic(err)
	}
	n, err := p.SendBatch(ctx, []Image{{"cat", 100}, {"dog", 0}})
	fmt.Println(n, err)
	fmt.Println(<-buried)
	fmt.Println(p.Wait(ctx))
	// Output:
	// 2 <nil>
	// dog: no width, attempt 1
	// pipeline: 1 tasks "images.resize" went to the dead-letter task, the first because: no width
}

// A stage sends to the next task; a collector is a worker of the last one. Shutdown waits for all of them.
func ExampleWorker_stages() {
	b, err := bus.New(nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	uploads, err := pipeline.NewProducer(b, Upload, nil)
	if err != nil {
		panic(err)
	}
	_, err = pipeline.NewWorker(b, Resize, func(ctx context.Context, im Image) error {
		return uploads.Send(ctx, strings.ToUpper(im.Name)) // then the image is acknowledged
	}, nil)
	if err != nil {
		panic(err)
	}
	_, err = pipeline.NewWorker(b, Upload, func(_ context.Context, name string) error {
		fmt.Println("uploaded", name)
		return nil
	}, nil)
	if err != nil {
		panic(err)
	}
	p, err := pipeline.NewProducer(b, Resize, nil)
	if err != nil {
		panic(err)
	}
	if _, err := p.SendBatch(ctx, []Image{{"cat", 100}, {"dog", 200}}); err != nil {
		panic(err)
	}
	fmt.Println(b.Shutdown(ctx))
	// Output:
	// uploaded CAT
	// uploaded DOG
	// <nil>
}
