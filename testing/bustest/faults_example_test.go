package bustest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// A test of what code does when events are lost or come twice. In a bubble it takes no time.
func ExampleFaults() {
	TestStockSurvivesABadNetwork := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, open := bustest.NewFaults(t, bustest.Plan{Drop: 0.1, Duplicate: 0.1, Delay: time.Second}), bustest.Memory().Open(t)
			shop := bustest.New(t, &bus.Options{Transport: f.Wrap("shop", open())})
			stock := bustest.New(t, &bus.Options{Transport: f.Wrap("stock", open())})
			got := bustest.Record(t, stock, Orders)

			for range 100 {
				if err := Checkout(t.Context(), shop, "ada"); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if n, lost := len(got.All()), int(f.Stats().Dropped); n+lost != 100 {
				t.Errorf("%d orders have come, %d were lost", n, lost) // when it fails, the seed to see the same again is in the log
			}
		})
	}
	_ = TestStockSurvivesABadNetwork
}

// A partition by hand, over TCP.
func ExampleFaults_Partition() {
	var Resize = pipeline.NewTask[string]("images.resize")
	TestImagesAreResizedAfterAPartition := func(t *testing.T) {
		f, open := bustest.NewFaults(t, bustest.Plan{}), bustest.TCP().Open(t)
		shop := bustest.New(t, &bus.Options{Transport: f.Wrap("shop", open())})
		works := bustest.New(t, &bus.Options{Transport: f.Wrap("works", open())})

		_, err := pipeline.NewWorker(works, Resize, func(context.Context, string) error { return nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		images, err := pipeline.NewProducer(shop, Resize, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.Partition("works")
		if err := images.Send(t.Context(), "cat.png"); err != nil {
			t.Fatal(err)
		}
		f.Heal("works")
		if err := images.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	}
	_ = TestImagesAreResizedAfterAPartition
}

// All transports of a network have the faults, under the names "1", "2" and so on.
func ExampleFaults_Network() {
	TestOrdersOverABadNetwork := func(t *testing.T) {
		f := bustest.NewFaults(t, bustest.Plan{Duplicate: 0.5})
		open := f.Network(bustest.Memory()).Open(t)
		shop, stock := bustest.New(t, &bus.Options{Transport: open()}), bustest.New(t, &bus.Options{Transport: open()})
		got := bustest.Record(t, stock, Orders)

		if err := Checkout(t.Context(), shop, "ada"); err != nil {
			t.Fatal(err)
		}
		got.Wait(1)
	}
	_ = TestOrdersOverABadNetwork
}

// What happens at which time.
func ExamplePlan() {
	TestLongOutage := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := bustest.NewFaults(t, bustest.Plan{Steps: []bustest.Step{
				{At: time.Second, Partition: "stock"},
				{At: time.Hour, Heal: "stock"},
				{At: 2 * time.Hour, Kill: "stock"},
			}})
			stock := bustest.New(t, &bus.Options{Transport: f.Wrap("stock", bustest.Memory().Open(t)())})
			got := bustest.Record(t, stock, Orders)

			time.Sleep(time.Minute)
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
			defer cancel()
			if err := got.Subscription().Ready(ctx); err != nil {
				t.Errorf("after the outage: %v", err)
			}
		})
	}
	_ = TestLongOutage
}
