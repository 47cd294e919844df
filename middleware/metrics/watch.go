package metrics

import (
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/prometheus/client_golang/prometheus"
)

// watched are the buses whose counters are read.
type watched struct {
	readings readings

	mu    sync.Mutex
	buses []*source
}

func newWatched(o *Options) watched { return watched{readings: newReadings(o)} }

// Watch has the counters of b read whenever m is collected, until b is done or Unwatch is called; then they are gone from what is collected.
// A bus is watched once, however often Watch is called. It costs events nothing.
//
//	fanfare_bus_published_total                  events that publishers of the bus had accepted
//	fanfare_bus_refused_total                    publishes that returned an error
//	fanfare_bus_..._total                        the other fields of bus.Stats
//	fanfare_transport_..._total                  those of transport.Stats, if the bus has a transport; sent does not go back
//	fanfare_subscription_open                    subscriptions that there are
//	fanfare_subscription_delivered_total         events that handlers were given, with the label outcome: succeeded, failed, filtered
//	fanfare_subscription_dropped_total           events that the overflow policy dropped
//	fanfare_subscription_abandoned_total         events that waited when a subscription was closed
//	fanfare_subscription_queue_depth             events that wait
//	fanfare_subscription_running                 events in handlers
//	fanfare_service_queue_depth                  requests or tasks that wait at a server, client or worker; at a queue of tasks all that are not done
//	fanfare_service_running                      those in handlers
//
// The labels are bus, its name, and for subscriptions name and selector, for services kind and name, which is that of the metrics of
// handlers. What has the same labels is summed up, buses of the same name as well: give those that are watched at the same time names of their
// own, or the sum goes back when one of them is done. What a subscription has counted stays in the sums when it is closed; [bus.Bus.Subscriptions] says for how many names, and the others have
// the name "other". Services have no counters that are read: the middleware counts their requests and tasks.
func (m *Metrics) Watch(b *bus.Bus) {
	w := &m.watched
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget()
	if !slices.ContainsFunc(w.buses, func(s *source) bool { return s.Bus == b }) {
		w.buses = append(w.buses, &source{Bus: b})
	}
}

// Unwatch has the counters of b read no more. It does nothing for a bus that is not watched.
func (m *Metrics) Unwatch(b *bus.Bus) {
	w := &m.watched
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buses = slices.DeleteFunc(w.buses, func(s *source) bool { return s.Bus == b })
}

// forget takes buses that are done off the list. The caller holds mu.
func (w *watched) forget() {
	w.buses = slices.DeleteFunc(w.buses, func(s *source) bool {
		select {
		case <-s.Done():
			return true
		default:
			return false
		}
	})
}

func (w *watched) describe(to chan<- *prometheus.Desc) { w.readings.describe(to) }

func (w *watched) collect(to chan<- prometheus.Metric) {
	w.mu.Lock()
	w.forget()
	buses := slices.Clone(w.buses)
	w.mu.Unlock()
	sums := sums{}
	for _, b := range buses {
		w.readings.of(b, sums)
	}
	sums.collect(to)
}
