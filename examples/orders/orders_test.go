package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
)

var lamps = Order{ID: "1", Customer: "ada", Article: "lamp", Quantity: 2}

// Fakes stand in for what the shop needs. Nothing has to be started.
func TestPlace(t *testing.T) {
	t.Parallel()
	stock := bustest.NewCall(t, Reserve, nil)
	placed := bustest.NewPublisher(t, Placed)
	shop := Shop{Stock: stock, Placed: placed}

	if err := shop.Place(t.Context(), lamps); err != nil {
		t.Fatal(err)
	}

	if asked := stock.Seen()[0].Event.Value; asked != (Reservation{"lamp", 2}) {
		t.Errorf("reserved %+v", asked)
	}
	if e := placed.Published()[0]; e.Value != lamps || e.ID() != "1" || e.Key() != "ada" {
		t.Errorf("published %v with the ID %q and the key %q", e, e.ID(), e.Key())
	}
}

// A script has a fake fail: what cannot be reserved is not sold.
func TestPlaceWithoutStock(t *testing.T) {
	t.Parallel()
	stock := bustest.NewCall(t, Reserve, nil, bustest.Fail(errors.New("only 1 left")))
	placed := bustest.NewPublisher(t, Placed)
	shop := Shop{Stock: stock, Placed: placed}

	err := shop.Place(t.Context(), lamps)

	var refused *request.RemoteError // the error of the client that the fake stands in for
	if !errors.As(err, &refused) || refused.Message != "only 1 left" {
		t.Errorf("the error is %v", err)
	}
	if all := placed.Published(); len(all) > 0 {
		t.Errorf("published %v", all)
	}
}

// The quantity is checked first.
func TestPlaceNothing(t *testing.T) {
	t.Parallel()
	stock := bustest.NewCall(t, Reserve, nil)
	shop := Shop{Stock: stock, Placed: bustest.NewPublisher(t, Placed)}
	err := shop.Place(t.Context(), Order{ID: "7"})
	if want := "order 7: the quantity is 0, it must be 1 or more"; err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
	if asked := stock.Seen(); len(asked) > 0 {
		t.Errorf("asked for %v", asked)
	}
}

// Handlers are functions: a test calls them with an event that it makes.
func TestBillingShipsWhatIsPaid(t *testing.T) {
	t.Parallel()
	declined := errors.New("card declined")
	for name, tc := range map[string]struct {
		charge error
		sold   int
	}{
		"paid":     {nil, 1},
		"declined": {declined, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paid := bustest.NewPublisher(t, Paid)
			shipping := bustest.NewTask(t, Ship)
			billing := Billing{
				Charge:   func(context.Context, Order) error { return tc.charge },
				Paid:     paid,
				Shipping: shipping,
			}

			err := billing.Handle(t.Context(), topic.NewEvent(lamps, topic.Metadata{Topic: "orders.placed", ID: "1"}))

			if !errors.Is(err, tc.charge) || len(paid.Published()) != tc.sold || len(shipping.Sent()) != tc.sold {
				t.Errorf("%v, published %v, shipped %v", err, paid.Published(), shipping.Sent())
			}
		})
	}
}

// In a bubble time is virtual: the waits between four attempts take none, and are exact.
func TestBillingTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		paid := bustest.Record(t, b, Paid)
		bank := bustest.NewSubscriber[Order](t, bustest.FailTimes(3, errors.New("no answer")))
		service, _ := start(t, b, bank, b)

		if err := service.Shop.Place(t.Context(), lamps); err != nil {
			t.Fatal(err)
		}

		event := paid.Expect(bustest.Equal(lamps))[0]
		if event.After != 7*time.Second { // 1 s, 2 s and 4 s
			t.Errorf("paid after %v: %v", event.After, bank.Seen())
		}
		paid.ExpectNone()
	})
}

// start starts the service on one bus, and on each of the others a door of one warehouse with 100 lamps. The bank is a fake, and so is the van.
func start(t *testing.T, here *bus.Bus, bank *bustest.Subscriber[Order], doors ...*bus.Bus) (service *Service, van *bustest.Task[Order]) {
	t.Helper()
	warehouse := NewWarehouse(map[string]int{"lamp": 100}, func(Order) {})
	van = bustest.NewTask(t, Ship)
	for _, there := range doors {
		if _, err := request.Serve(there, Reserve, warehouse.Reserve, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := pipeline.NewWorker(there, Ship, van.Handle, nil); err != nil {
			t.Fatal(err)
		}
	}
	service, err := NewService(here, func(ctx context.Context, o Order) error {
		return bank.Handle(ctx, topic.NewEvent(o, topic.Metadata{Topic: "charge", ID: o.ID}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return service, van
}

// The same test runs over every transport, with sockets and without.
func TestServiceOverEveryTransport(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		here, there := open(&bus.Options{Name: "shop"}), open(&bus.Options{Name: "warehouse"})
		audit := bustest.Record(t, there, topic.NewPrefix[Order]("orders."))
		service, van := start(t, here, bustest.NewSubscriber[Order](t), there)
		if err := audit.Subscription().Ready(t.Context()); err != nil {
			t.Fatal(err)
		}

		if err := service.Shop.Place(t.Context(), lamps); err != nil {
			t.Fatal(err)
		}

		audit.Expect(
			bustest.Both(bustest.Topic[Order]("orders.placed"), bustest.Equal(lamps)),
			bustest.Both(bustest.Topic[Order]("orders.paid"), bustest.Equal(lamps)),
		)
		if shipped := van.WaitTasks(1)[0].Event.Value; shipped != lamps {
			t.Errorf("shipped %v", shipped)
		}
	})
}

// TestRun is what the program prints.
func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"charged ada for 2 lamp", "charged eve for 1 lamp", "shipped 2 lamp to ada", "shipped 1 lamp to eve",
		"refused order 2: reserving 2 of lamp: request: only 1 left (failed)",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("%q is not in\n%s", line, &out)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 5 {
		t.Errorf("%d lines:\n%s", n, &out)
	}
}
