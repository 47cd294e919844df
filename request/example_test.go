package request_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

type quoteRequest struct{ Customer string }

type quoteReply struct{ Cents int }

var quote = request.NewCall[quoteRequest, quoteReply]("billing.quote")

func answerQuote(_ context.Context, q quoteRequest) (quoteReply, error) {
	if q.Customer == "" {
		return quoteReply{}, &request.RemoteError{Code: "no-customer", Message: "who asks?"}
	}
	return quoteReply{Cents: 100 * len(q.Customer)}, nil
}

// On one bus Do calls the handler directly.
func ExampleClient_Do() {
	b, err := bus.New(nil)
	if err != nil {
		panic(err)
	}
	defer func() { _ = b.Close() }()
	if _, err := request.Serve(b, quote, answerQuote, nil); err != nil {
		panic(err)
	}
	cl, err := request.NewClient(b, quote, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(cl.Do(context.Background(), quoteRequest{"alice"}))
	_, err = cl.Do(context.Background(), quoteRequest{})
	if failed, ok := errors.AsType[*request.RemoteError](err); ok {
		fmt.Println(failed.Code, failed.Message)
	}
	// Output:
	// {500} <nil>
	// no-customer who asks?
}

// A server and a client in two processes. Who comes first does not matter.
func ExampleServe() {
	ctx := context.Background()
	serving, err := zmq.New(&zmq.Options{Serve: zmq.Bind("tcp://127.0.0.1:0")})
	if err != nil {
		panic(err)
	}
	there, err := bus.New(&bus.Options{Transport: serving})
	if err != nil {
		panic(err)
	}
	if _, err := request.Serve(there, quote, answerQuote, &request.ServeOptions{Idempotent: request.Idempotent(1000)}); err != nil {
		panic(err)
	}

	asking, err := zmq.New(&zmq.Options{Request: zmq.Connect(serving.Bound().Serve...)})
	if err != nil {
		panic(err)
	}
	here, err := bus.New(&bus.Options{Transport: asking})
	if err != nil {
		panic(err)
	}
	cl, err := request.NewClient(here, quote, &request.Options{Timeout: 10 * time.Second})
	if err != nil {
		panic(err)
	}
	fmt.Println(cl.Do(ctx, quoteRequest{"bob"}))

	if err := errors.Join(here.Shutdown(ctx), there.Shutdown(ctx)); err != nil {
		panic(err)
	}
	_, err = cl.Do(ctx, quoteRequest{"bob"})
	fmt.Println(errors.Is(err, bus.ErrClosed))
	// Output:
	// {300} <nil>
	// true
}
