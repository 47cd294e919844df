// Package metrics measures what passes middleware chains, and reads what buses have counted, as metrics of Prometheus.
//
//	m, err := metrics.New(nil)
//	err = registry.Register(m)
//	b, err := bus.New(&bus.Options{Publish: []bus.Middleware{m.Middleware()}, Subscribe: []bus.Middleware{m.Middleware()}})
//	m.Watch(b)
//
// What only a chain can know, the middleware measures: see [Metrics.Middleware]. What is counted anyway is read when somebody asks, and costs
// events nothing: see [Metrics.Watch].
//
// It is a module of its own, so that only those who want it download the client library of Prometheus.
package metrics

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

// Options are how metrics look.
type Options struct {
	// Namespace is what all names begin with, and an underscore: letters, digits and underscores, the first one no digit. Default: "fanfare".
	Namespace string
	// ConstLabels are given to every series. Those that the metrics have themselves cannot be used: bus, role, kind, name, topic, selector, outcome
	// and le. Default: none.
	ConstLabels prometheus.Labels
	// Buckets are the upper bounds of the classic buckets of durations, in seconds, in ascending order. A scrape as text shows these; one as
	// protobuf has native histograms besides, whose buckets grow by 9 %. Default: two each decade, from 10 µs to 10 s.
	Buckets []float64
}

// defaultNamespace is that of Options.
const defaultNamespace = "fanfare"

// defaultBuckets are those of Options.
var defaultBuckets = []float64{1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, .01, .05, .1, .5, 1, 5, 10}

// Metrics is a [prometheus.Collector]: it measures nothing before it is used, and nothing is shown before it is registered. All methods may
// be called concurrently.
type Metrics struct {
	handlers handlers
	watched  watched
}

// New returns metrics. nil options mean the defaults; the options are copied. The error is a [*bus.OptionError].
func New(o *Options) (*Metrics, error) {
	options := Options{Namespace: defaultNamespace, Buckets: defaultBuckets}
	if o != nil {
		if o.Namespace != "" {
			options.Namespace = o.Namespace
		}
		if len(o.Buckets) > 0 {
			options.Buckets = slices.Clone(o.Buckets)
		}
		options.ConstLabels = maps.Clone(o.ConstLabels)
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	return &Metrics{handlers: newHandlers(&options), watched: newWatched(&options)}, nil
}

// check returns an error for the first option outside its limits.
func (o *Options) check() error {
	if !model.LegacyValidation.IsValidMetricName(o.Namespace) || strings.Contains(o.Namespace, ":") {
		return &bus.OptionError{Field: "metrics.Options.Namespace", Value: o.Namespace, Limit: "letters, digits and underscores, the first one no digit"}
	}
	for _, name := range slices.Sorted(maps.Keys(o.ConstLabels)) {
		switch value := o.ConstLabels[name]; {
		case !model.LegacyValidation.IsValidLabelName(name) || strings.HasPrefix(name, "__"):
			return &bus.OptionError{Field: "metrics.Options.ConstLabels name", Value: name, Limit: "letters, digits and underscores, the first one no digit, not two underscores first"}
		case slices.Contains(ownLabels, name):
			return &bus.OptionError{Field: "metrics.Options.ConstLabels name", Value: name, Limit: "none of " + strings.Join(ownLabels, ", ")}
		case !model.LabelValue(value).IsValid():
			return &bus.OptionError{Field: "metrics.Options.ConstLabels of " + name, Value: value, Limit: "valid UTF-8"}
		}
	}
	for i, bound := range o.Buckets {
		if math.IsNaN(bound) || i > 0 && bound <= o.Buckets[i-1] {
			return &bus.OptionError{Field: "metrics.Options.Buckets", Value: o.Buckets, Limit: "numbers in ascending order"}
		}
	}
	return nil
}

// Describe sends what metrics there are.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	m.handlers.describe(to)
	m.watched.describe(to)
}

// Collect sends the values of this moment.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	m.handlers.collect(to)
	m.watched.collect(to)
}

// ownLabels are what series are told apart by.
var ownLabels = []string{labelBus, labelRole, labelKind, labelName, labelTopic, labelSelector, labelOutcome, "le"}

const (
	labelBus      = "bus"
	labelRole     = "role"
	labelKind     = "kind"
	labelName     = "name"
	labelTopic    = "topic"
	labelSelector = "selector"
	labelOutcome  = "outcome"
)

// other is the topic or name of all that there is no room to tell apart.
const other = "other"

// valid returns a label's value for s: topics of plain peers and names are any bytes, and Prometheus takes UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
