package metrics

import (
	"github.com/fanfare-go/fanfare/bus"
	"github.com/prometheus/client_golang/prometheus"
)

// handlers are the metrics of middleware.
type handlers struct {
	duration, lag                          *prometheus.HistogramVec
	errors, filtered, retries, deadLetters *prometheus.CounterVec
	running                                *prometheus.GaugeVec
}

// newHandlers returns them. The options have been checked.
func newHandlers(o *Options) handlers {
	labels := []string{labelBus, labelRole, labelName, labelTopic}
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: o.Namespace, Subsystem: "handler", Name: name, Help: help, ConstLabels: o.ConstLabels}
	}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), labels)
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: o.Namespace, Subsystem: "handler", Name: name, Help: help, ConstLabels: o.ConstLabels, Buckets: o.Buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
		}, labels)
	}
	return handlers{
		duration:    histogram("duration_seconds", "How long handling an event took, or publishing it, with all attempts."),
		lag:         histogram("lag_seconds", "From when an event was published to when its handling began."),
		errors:      counter("errors_total", "Events that failed: with an error, a panic, or the end of the goroutine."),
		filtered:    counter("filtered_total", "Events that were not wanted, and that are no errors."),
		retries:     counter("retries_total", "Attempts after the first one."),
		deadLetters: counter("dead_letters_total", "Events that failed and were set aside as dead letters."),
		running:     prometheus.NewGaugeVec(prometheus.GaugeOpts(opts("running", "Events that are being handled or published now.")), labels),
	}
}

// series are the metrics of one topic in a chain, and whatever has the same labels.
type series struct {
	topic                                  string // as the event has it
	duration                               prometheus.Observer
	lag                                    prometheus.Observer // nil on the publish side
	errors, filtered, retries, deadLetters prometheus.Counter
	running                                prometheus.Gauge
}

// series returns those of a topic in the chain of p.
func (h *handlers) series(p *bus.Party, topic string) *series {
	labels := []string{valid(p.Bus.Name()), p.Role.String(), valid(p.Name), valid(topic)}
	s := &series{
		topic:       topic,
		duration:    h.duration.WithLabelValues(labels...),
		errors:      h.errors.WithLabelValues(labels...),
		filtered:    h.filtered.WithLabelValues(labels...),
		retries:     h.retries.WithLabelValues(labels...),
		deadLetters: h.deadLetters.WithLabelValues(labels...),
		running:     h.running.WithLabelValues(labels...),
	}
	if !p.Role.Sends() {
		s.lag = h.lag.WithLabelValues(labels...)
	}
	return s
}

func (h *handlers) all() []prometheus.Collector {
	return []prometheus.Collector{h.duration, h.lag, h.errors, h.filtered, h.retries, h.deadLetters, h.running}
}

func (h *handlers) describe(to chan<- *prometheus.Desc) {
	for _, c := range h.all() {
		c.Describe(to)
	}
}

func (h *handlers) collect(to chan<- prometheus.Metric) {
	for _, c := range h.all() {
		c.Collect(to)
	}
}
