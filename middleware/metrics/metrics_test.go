package metrics_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/middleware/metrics"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// newMetrics returns metrics, and the registry that they are registered with, which checks that all is consistent.
func newMetrics(t testing.TB, o *metrics.Options) (*metrics.Metrics, *prometheus.Registry) {
	t.Helper()
	m, err := metrics.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(m); err != nil {
		t.Fatal(err)
	}
	return m, r
}

// gather returns the values of all series that r has now.
func gather(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return flatten(families)
}

// flatten returns the value of each series, histograms as text shows them.
func flatten(families []*dto.MetricFamily) map[string]float64 {
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			set := func(suffix string, value float64, more ...string) {
				all := slices.Sorted(slices.Values(slices.Concat(labels, more)))
				values[f.GetName()+suffix+"{"+strings.Join(all, ",")+"}"] = value
			}
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				set("", m.GetCounter().GetValue())
			case dto.MetricType_GAUGE:
				set("", m.GetGauge().GetValue())
			case dto.MetricType_HISTOGRAM:
				h := m.GetHistogram()
				set("_count", float64(h.GetSampleCount()))
				set("_sum", h.GetSampleSum())
				set("_bucket", float64(h.GetSampleCount()), `le="+Inf"`)
				for _, b := range h.GetBucket() {
					set("_bucket", float64(b.GetCumulativeCount()), fmt.Sprintf(`le="%v"`, b.GetUpperBound()))
				}
			}
		}
	}
	return values
}

// expect fails the test unless got has the wanted values.
func expect(t *testing.T, when string, got, want map[string]float64) {
	t.Helper()
	for _, series := range slices.Sorted(maps.Keys(want)) {
		if value, is := got[series]; !is || value != want[series] {
			t.Errorf("%s: %s is %v (there: %t), want %v", when, series, value, is, want[series])
		}
	}
}

// only fails the test if got has more than the wanted series.
func only(t *testing.T, when string, got, want map[string]float64) {
	t.Helper()
	for _, series := range slices.Sorted(maps.Keys(got)) {
		if _, wanted := want[series]; !wanted {
			t.Errorf("%s: there is %s %v", when, series, got[series])
		}
	}
}
