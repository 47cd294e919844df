package cloudevents_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/cloudevents"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// TestOtherPatterns has requests and tasks, in both modes, which handlers get as they are.
func TestOtherPatterns(t *testing.T) {
	t.Parallel()
	for _, mode := range []cloudevents.Mode{cloudevents.Binary, cloudevents.Structured} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			var all []seen
			b := bustest.New(t, &bus.Options{
				Publish:   []bus.Middleware{cloudevents.Send(&cloudevents.SendOptions{Mode: mode, Source: "/shop"})},
				Subscribe: []bus.Middleware{cloudevents.Receive(&cloudevents.ReceiveOptions{Required: true}), watch(&all)},
			})
			ask(t, b)
			work(t, b)
			if len(all) != 2 {
				t.Fatalf("got %v", all)
			}
			for i, name := range []string{"orders.price", "orders.ship"} {
				h := all[i].headers
				check(t, name, h["ce-type"]+" "+h["ce-source"]+" "+h["content-type"]+" "+all[i].payload, name+` /shop application/json {"item":"pencil","count":2}`)
				if all[i].id == "" || all[i].id != h["ce-id"] {
					t.Errorf("%s: ID %q and attribute %q", name, all[i].id, h["ce-id"])
				}
			}
		})
	}
}

// ask makes a request.
func ask(t *testing.T, b *bus.Bus) {
	t.Helper()
	price := request.NewCall[order, int]("orders.price")
	if _, err := request.Serve(b, price, func(_ context.Context, o order) (int, error) { return o.Count * 10, nil }, nil); err != nil {
		t.Fatal(err)
	}
	cl, err := request.NewClient(b, price, nil)
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := cl.Do(t.Context(), order{"pencil", 2}); reply != 20 || err != nil {
		t.Errorf("reply %d, %v", reply, err)
	}
}

// work sends a task, and waits until it is done.
func work(t *testing.T, b *bus.Bus) {
	t.Helper()
	ship := pipeline.NewTask[order]("orders.ship")
	_, err := pipeline.NewWorker(b, ship, func(_ context.Context, o order) error {
		if o != (order{"pencil", 2}) {
			t.Errorf("got %v", o)
		}
		return nil
	}, nil)
	p, perr := pipeline.NewProducer(b, ship, nil)
	if err := errors.Join(err, perr); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Send(t.Context(), order{"pencil", 2}), p.Wait(t.Context())); err != nil {
		t.Error(err)
	}
}
