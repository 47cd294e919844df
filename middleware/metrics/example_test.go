package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/metrics"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/rs/zerolog"
)

func Example() {
	m, err := metrics.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	registry := prometheus.NewRegistry() // promhttp.HandlerFor(registry, …) shows it to Prometheus
	registry.MustRegister(m)

	quiet := zerolog.Nop()
	b, err := bus.New(&bus.Options{Name: "shop", Logger: &quiet, Subscribe: []bus.Middleware{m.Middleware()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	m.Watch(b)

	orders := topic.New[string]("orders.created")
	_, err = subscriber.New(b, orders, func(_ context.Context, e topic.Event[string]) error {
		if e.Value == "a unicorn" {
			return errors.New("no stock left")
		}
		return nil
	}, &subscriber.Options{Name: "stock", Inline: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, orders, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, value := range []string{"two pencils", "a unicorn", "one notebook"} {
		if err := pub.Publish(context.Background(), value); err != nil {
			fmt.Println(err)
		}
	}

	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "fanfare_bus_published_total", "fanfare_handler_errors_total", "fanfare_subscription_delivered_total":
			if _, err := expfmt.MetricFamilyToText(os.Stdout, f); err != nil {
				fmt.Println(err)
			}
		}
	}
	// Output:
	// bus: event on "orders.created" in inline subscription stock: no stock left
	// # HELP fanfare_bus_published_total Events that were accepted from publishers.
	// # TYPE fanfare_bus_published_total counter
	// fanfare_bus_published_total{bus="shop"} 3
	// # HELP fanfare_handler_errors_total Events that failed: with an error, a panic, or the end of the goroutine.
	// # TYPE fanfare_handler_errors_total counter
	// fanfare_handler_errors_total{bus="shop",name="stock",role="subscriber",topic="orders.created"} 1
	// # HELP fanfare_subscription_delivered_total Events that handlers were given, by what became of them.
	// # TYPE fanfare_subscription_delivered_total counter
	// fanfare_subscription_delivered_total{bus="shop",name="stock",outcome="failed",selector="orders.created"} 1
	// fanfare_subscription_delivered_total{bus="shop",name="stock",outcome="filtered",selector="orders.created"} 0
	// fanfare_subscription_delivered_total{bus="shop",name="stock",outcome="succeeded",selector="orders.created"} 2
}
