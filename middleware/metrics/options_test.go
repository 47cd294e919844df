package metrics_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestBadOptions(t *testing.T) {
	t.Parallel()
	label := func(name, value string) metrics.Options {
		return metrics.Options{ConstLabels: prometheus.Labels{name: value}}
	}
	for name, tc := range map[string]struct {
		options      metrics.Options
		field, limit string
	}{
		"namespace":       {metrics.Options{Namespace: "my-shop"}, "metrics.Options.Namespace", "letters"},
		"namespace digit": {metrics.Options{Namespace: "1shop"}, "metrics.Options.Namespace", "no digit"},
		"namespace colon": {metrics.Options{Namespace: "my:shop"}, "metrics.Options.Namespace", "letters"},
		"label":           {label("my-zone", "a"), "metrics.Options.ConstLabels name", "letters"},
		"label, no name":  {label("", "a"), "metrics.Options.ConstLabels name", "letters"},
		"reserved label":  {label("__zone", "a"), "metrics.Options.ConstLabels name", "two underscores"},
		"our label":       {label("topic", "a"), "metrics.Options.ConstLabels name", "none of bus, role, kind, name, topic, selector, outcome, le"},
		"label of no use": {label("le", "a"), "metrics.Options.ConstLabels name", "none of bus"},
		"label's value":   {label("zone", "\xff"), "metrics.Options.ConstLabels of zone", "UTF-8"},
		"buckets":         {metrics.Options{Buckets: []float64{1, 1}}, "metrics.Options.Buckets", "ascending"},
		"NaN":             {metrics.Options{Buckets: []float64{math.NaN()}}, "metrics.Options.Buckets", "numbers"},
	} {
		m, err := metrics.New(&tc.options)
		var bad *bus.OptionError
		if m != nil || !errors.As(err, &bad) || bad.Field != tc.field || !strings.Contains(bad.Limit, tc.limit) {
			t.Errorf("%s: %v, %v, want an error for %s, %s", name, m, err, tc.field, tc.limit)
		}
	}
}

// Options change what they say, and are copied.
func TestOptions(t *testing.T) {
	t.Parallel()
	o := metrics.Options{Namespace: "my_shop", ConstLabels: prometheus.Labels{"zone": "eu"}, Buckets: []float64{3600, math.Inf(1)}}
	m, r := newMetrics(t, &o)
	o.ConstLabels["zone"], o.Buckets[0] = "us", 1
	p := party(t, bus.RoleSubscriber)
	m.Watch(p.Bus)
	if err := bus.Chain(nothing, m.Middleware())(t.Context(), message(p, "orders.created", time.Time{})); err != nil {
		t.Error(err)
	}
	expect(t, "options", gather(t, r), map[string]float64{
		`my_shop_bus_published_total{bus="shop",zone="eu"}`:                                                                             0,
		`my_shop_handler_duration_seconds_bucket{bus="shop",le="3600",name="stock",role="subscriber",topic="orders.created",zone="eu"}`: 1,
	})
}

// Prometheus' own linter has nothing against any of the metrics.
func TestLint(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, nil)
	p := party(t, bus.RoleSubscriber)
	m.Watch(p.Bus)
	if err := bus.Chain(nothing, m.Middleware())(t.Context(), message(p, "orders.created", time.Now())); err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}
