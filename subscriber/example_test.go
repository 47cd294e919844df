package subscriber_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

type Payment struct {
	Account string
	Cents   int
}

// Payments of one account are in order, whatever the number of workers.
var Payments = topic.New[Payment]("payments").WithKey(func(p Payment) string { return p.Account })

// must is for the examples, where nothing goes wrong.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// pay publishes some payments.
func pay(ctx context.Context, b *bus.Bus, cents ...int) {
	pub := must(publisher.New(b, Payments, nil))
	for _, c := range cents {
		if err := pub.Publish(ctx, Payment{Account: "ada", Cents: c}); err != nil {
			fmt.Println(err)
		}
	}
}

// Eight handlers at once, and the payments of each account one after the other.
func ExampleNew_workers() {
	ctx, b := context.Background(), must(bus.New(nil))
	must(subscriber.New(b, Payments, func(_ context.Context, e topic.Event[Payment]) error {
		fmt.Println(e.Key(), e.Value.Cents)
		return nil
	}, &subscriber.Options{Workers: 8}))
	pay(ctx, b, 100, 200, 300)
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ada 100
	// ada 200
	// ada 300
}

// The members of a group share the events: each payment is booked once, and all of an account by the same member.
func ExampleNew_group() {
	ctx, b := context.Background(), must(bus.New(nil))
	var members []*subscriber.Subscription
	for range 3 {
		members = append(members, must(subscriber.New(b, Payments, func(context.Context, topic.Event[Payment]) error {
			return nil
		}, &subscriber.Options{Group: "booking"})))
	}
	pay(ctx, b, 100, 200, 300)
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	var busy, booked uint64
	for _, m := range members {
		if n := m.Stats().Succeeded; n > 0 {
			busy, booked = busy+1, booked+n
		}
	}
	fmt.Println(booked, "payments booked by", busy, "member")
	// Output:
	// 3 payments booked by 1 member
}

// An inline subscription is a plain function call: when Publish returns, it has been made, and its error is Publish's.
func ExampleNew_inline() {
	ctx, b := context.Background(), must(bus.New(nil))
	must(subscriber.New(b, Payments, func(_ context.Context, e topic.Event[Payment]) error {
		if e.Value.Cents < 0 {
			return errors.New("negative amount")
		}
		fmt.Println("checked", e.Value.Cents)
		return nil
	}, &subscriber.Options{Name: "audit", Inline: true}))
	pay(ctx, b, 100, -5)
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// checked 100
	// bus: event on "payments" in inline subscription audit: negative amount
}

// A subscription that cannot keep up is sent the newest price only, and never holds up the publisher.
func ExampleNew_overflow() {
	ctx, b := context.Background(), must(bus.New(nil))
	prices := topic.New[int]("prices")
	begun, resume := make(chan struct{}), make(chan struct{})
	sub := must(subscriber.New(b, prices, func(_ context.Context, e topic.Event[int]) error {
		begun <- struct{}{}
		<-resume
		fmt.Println("price", e.Value)
		return nil
	}, &subscriber.Options{Overflow: bus.Latest}))
	pub := must(publisher.New(b, prices, nil))
	publish := func(v int) {
		if err := pub.Publish(ctx, v); err != nil {
			fmt.Println(err)
		}
	}
	publish(1)
	<-begun // and busy for long
	for v := 2; v <= 100; v++ {
		publish(v)
	}
	resume <- struct{}{}
	<-begun
	resume <- struct{}{}
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(sub.Stats().Dropped, "dropped")
	// Output:
	// price 1
	// price 100
	// 98 dropped
}

// Payments are stored a hundred at a time; those that cannot be are named, and the others count as done.
func ExampleBatch() {
	ctx, b := context.Background(), must(bus.New(nil))
	sub := must(subscriber.Batch(b, Payments, func(_ context.Context, events []topic.Event[Payment]) error {
		failed := map[int]error{}
		for i, e := range events {
			if e.Value.Cents < 0 {
				failed[i] = errors.New("negative amount")
			}
		}
		fmt.Println(len(events), "payments at once")
		if len(failed) > 0 {
			return &bus.BatchError{Failed: failed}
		}
		return nil
	}, &subscriber.BatchOptions{Size: 3, Linger: time.Second}))
	pay(ctx, b, 100, 200, 300)
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(sub.Stats().Succeeded, "stored")
	// Output:
	// 3 payments at once
	// 3 stored
}

// A subscription as a loop. It is closed when the loop ends.
func ExampleEvents() {
	ctx, b := context.Background(), must(bus.New(nil))
	go func() {
		pub := must(publisher.New(b, Payments, nil))
		if err := pub.WaitSubscribers(ctx, 1); err != nil {
			fmt.Println(err)
		}
		pay(ctx, b, 100, 200, 300)
	}()
	sum := 0
	for e, err := range subscriber.Events(ctx, b, Payments, nil) {
		if err != nil {
			fmt.Println(err)
			break
		}
		if sum += e.Value.Cents; sum == 600 {
			break
		}
	}
	fmt.Println(sum)
	if err := b.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 600
}
