package metrics

import "github.com/prometheus/client_golang/prometheus"

// sums are what was read. Names are not unique, and Prometheus takes each series once.
type sums map[sum]uint64

// sum is one series.
type sum struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels [3]string
	n      int // of labels
}

// add reads s.
func add[S any](to sums, all []reading[S], s *S, labels ...string) {
	for _, r := range all {
		series := sum{desc: r.desc, kind: r.kind, n: len(labels)}
		copy(series.labels[:], labels)
		to[series] += r.read(s)
	}
}

func (all sums) collect(to chan<- prometheus.Metric) {
	for s, value := range all {
		to <- prometheus.MustNewConstMetric(s.desc, s.kind, float64(value), s.labels[:s.n]...)
	}
}
