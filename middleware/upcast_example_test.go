package middleware_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/middleware"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// Orders were "item;count" in version 1. Version 2 has the count first, and version 3 a colon instead of the semicolon.
func ExampleUpcast() {
	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	upcast := middleware.Upcast(&middleware.UpcastOptions{
		Current: 3,
		Steps: map[int]func([]byte) ([]byte, error){
			1: func(payload []byte) ([]byte, error) {
				item, count, ok := strings.Cut(string(payload), ";")
				if !ok {
					return nil, fmt.Errorf("there is no semicolon in %q", payload)
				}
				return []byte(count + ";" + item), nil
			},
			2: func(payload []byte) ([]byte, error) {
				return []byte(strings.ReplaceAll(string(payload), ";", ":")), nil
			},
		},
	})
	ctx := context.Background()
	orders := topic.New[string]("orders.created").WithCodec(codec.String)
	show := func(_ context.Context, e topic.Event[string]) error {
		fmt.Println(e.Value)
		return nil
	}
	if _, err := subscriber.New(b, orders, show, &subscriber.Options{Middleware: []bus.Middleware{upcast}}); err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, value := range []string{"pencils;2", "1;notebook", "3:erasers"} {
		if err := pub.Publish(ctx, value, publisher.Header("schema-version", fmt.Sprint(i+1))); err != nil {
			fmt.Println(err)
		}
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output:
	// 2:pencils
	// 1:notebook
	// 3:erasers
}
