package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// A network that loses a fifth of everything, repeats another fifth, and delays the rest, by a seed: what the shop has taken is paid, and is
// shipped.
func TestBadNetwork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		faults := bustest.NewFaults(t, bustest.Plan{Drop: 0.2, Duplicate: 0.2, Delay: 50 * time.Millisecond})
		open := bustest.On(t, faults.Network(bustest.Memory()))
		here := open()
		paid := bustest.Record(t, here, Paid)
		service, van := start(t, here, bustest.NewSubscriber[Order](t), open(), open())

		var taken []string
		for i := range 20 {
			o := Order{ID: fmt.Sprint(i), Customer: "ada", Article: "lamp", Quantity: 1}
			if err := service.Shop.Place(t.Context(), o); err == nil { // an answer that is lost is an order that is not taken
				taken = append(taken, o.ID)
			}
		}
		paid.Wait(len(taken))
		if err := service.Billing.Shipping.Wait(t.Context()); err != nil { // a task goes to another door after 30 s without an acknowledgement
			t.Error(err)
		}

		var billed, shipped []string
		for _, e := range paid.All() {
			billed = append(billed, e.Value.ID)
		}
		for _, task := range van.Seen() {
			shipped = append(shipped, task.Event.Value.ID)
		}
		slices.Sort(taken)
		slices.Sort(billed)
		slices.Sort(shipped)
		if once := slices.Compact(shipped); !slices.Equal(billed, taken) || !slices.Equal(once, taken) {
			t.Errorf("taken %q, billed %q, shipped %q", taken, billed, once)
		}
	})
}

// Over tcp, in real time: the warehouse is cut off, and orders are refused. When it is back, what was paid meanwhile is shipped.
func TestWarehouseIsCutOff(t *testing.T) {
	t.Parallel()
	faults := bustest.NewFaults(t, bustest.Plan{})
	open := bustest.On(t, faults.Network(bustest.TCP()))
	here, there := open(), open()
	bank := bustest.NewSubscriber[Order](t, bustest.Block())
	service, van := start(t, here, bank, there)
	if err := service.Shop.Place(t.Context(), lamps); err != nil {
		t.Fatal(err)
	}
	bank.WaitRunning(1)

	faults.Partition("2") // the second bus of the network
	bank.Release()        // the lamps are paid now, and cannot be shipped
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := service.Shop.Place(soon, lamps); !errors.Is(err, request.ErrTimeout) {
		t.Errorf("an order without a warehouse: %v", err)
	}

	faults.Heal("2")
	if shipped := van.WaitTasks(1)[0].Event.Value; shipped != lamps {
		t.Errorf("shipped %v", shipped)
	}
}

// A warehouse that is killed and started again: its transport has a name, and the next one gets the same.
func TestWarehouseIsKilled(t *testing.T) {
	t.Parallel()
	faults := bustest.NewFaults(t, bustest.Plan{})
	connect := bustest.TCP().Open(t)
	warehouse := func() *bus.Bus {
		return bustest.New(t, &bus.Options{Name: "warehouse", Transport: faults.Wrap("warehouse", connect())})
	}
	there := warehouse()
	here := bustest.New(t, &bus.Options{Name: "shop", Transport: connect()})
	bank := bustest.NewSubscriber[Order](t, bustest.Block())
	service, _ := start(t, here, bank, there)
	if err := service.Shop.Place(t.Context(), lamps); err != nil {
		t.Fatal(err)
	}
	bank.WaitRunning(1)

	faults.Kill("warehouse")
	bank.Release() // the lamps are paid now, and there is nobody to ship them

	van := bustest.NewTask(t, Ship)
	if _, err := pipeline.NewWorker(warehouse(), Ship, van.Handle, nil); err != nil {
		t.Fatal(err)
	}
	if shipped := van.WaitTasks(1)[0].Event.Value; shipped != lamps {
		t.Errorf("shipped %v", shipped)
	}
}
