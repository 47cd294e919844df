package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/rs/zerolog"
)

// What is outside of Recover sees a panic as an error.
func ExampleRecover() {
	report := bus.Wrap("report", func(next bus.Handler) bus.Handler {
		return func(ctx context.Context, m *bus.Message) error {
			err := next(ctx, m)
			var panicked *bus.PanicError
			if errors.As(err, &panicked) {
				fmt.Println("a handler of", m.Topic(), "panicked with:", panicked.Value)
				return nil // reported, so the bus need not log it
			}
			return err
		}
	})
	b, err := bus.New(&bus.Options{Subscribe: []bus.Middleware{report, middleware.Recover()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	handler := func(context.Context, topic.Event[string]) error { panic("no stock left") }
	if _, err := subscriber.New(b, topic.New[string]("orders.created"), handler, nil); err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, topic.New[string]("orders.created"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, "two pencils"); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output: a handler of orders.created panicked with: no stock left
}

func ExampleLog() {
	log := zerolog.New(zerolog.ConsoleWriter{
		Out: os.Stdout, NoColor: true,
		PartsExclude: []string{zerolog.TimestampFieldName}, FieldsExclude: []string{"took"}, // as they differ from run to run
	})
	b, err := bus.New(&bus.Options{Publish: []bus.Middleware{middleware.Log(log, nil)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	pub, err := publisher.New(b, topic.New[string]("orders.created"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, value := range []string{"two pencils", "one notebook"} {
		if err := pub.Publish(context.Background(), value); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// DBG event passed role=publisher seq=1 topic=orders.created
	// DBG event passed role=publisher seq=2 topic=orders.created
}

// What has failed for good goes to a topic of its own.
func ExampleDeadLetter() {
	quiet := zerolog.Nop()
	b, err := bus.New(&bus.Options{Logger: &quiet, Subscribe: []bus.Middleware{middleware.DeadLetter("orders.dead", nil)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	handler := func(context.Context, topic.Event[string]) error { return errors.New("no stock left") }
	dead := func(_ context.Context, e topic.Event[string]) error {
		fmt.Printf("%s of %s: %s\n", e.Value, e.Header(middleware.DeadLetterTopic), e.Header(middleware.DeadLetterReason))
		return nil
	}
	if _, err := subscriber.New(b, topic.New[string]("orders.created"), handler, nil); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := subscriber.New(b, topic.New[string]("orders.dead"), dead, nil); err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, topic.New[string]("orders.created"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, "two pencils"); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handlers
		fmt.Println(err)
	}
	// Output: two pencils of orders.created: no stock left
}
