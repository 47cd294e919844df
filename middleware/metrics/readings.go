package metrics

import (
	"cmp"
	"maps"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/prometheus/client_golang/prometheus"
)

// reading is a metric that is read from what somebody else counts in an S.
type reading[S any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(s *S) uint64
}

// readings are all metrics that are read.
type readings struct {
	bus          []reading[bus.Stats]
	transport    []reading[transport.Stats]
	subscription []reading[bus.SubscriptionStats]
	service      []reading[bus.ServiceStats]
}

// maker makes the descriptions of one subsystem.
type maker struct {
	options   *Options
	subsystem string
	labels    []string
}

func (m maker) desc(name, help string, more prometheus.Labels) *prometheus.Desc {
	fixed := maps.Clone(m.options.ConstLabels)
	if fixed == nil {
		fixed = prometheus.Labels{}
	}
	maps.Copy(fixed, more)
	return prometheus.NewDesc(prometheus.BuildFQName(m.options.Namespace, m.subsystem, name), help, m.labels, fixed)
}

func counter[S any](m maker, name, help string, read func(*S) uint64) reading[S] {
	return reading[S]{m.desc(name+"_total", help, nil), prometheus.CounterValue, read}
}

func gauge[S any](m maker, name, help string, read func(*S) uint64) reading[S] {
	return reading[S]{m.desc(name, help, nil), prometheus.GaugeValue, read}
}

// delivered is one outcome of what subscriptions are given.
func delivered(m maker, outcome string, read func(*bus.SubscriptionStats) uint64) reading[bus.SubscriptionStats] {
	desc := m.desc("delivered_total", "Events that handlers were given, by what became of them.", prometheus.Labels{labelOutcome: outcome})
	return reading[bus.SubscriptionStats]{desc, prometheus.CounterValue, read}
}

// newReadings returns them. The options have been checked.
func newReadings(o *Options) readings {
	type (
		subscription = bus.SubscriptionStats
		service      = bus.ServiceStats
	)
	ofBus := maker{o, "bus", []string{labelBus}}
	ofTransport := maker{o, "transport", ofBus.labels}
	ofSubscription := maker{o, "subscription", []string{labelBus, labelName, labelSelector}}
	ofService := maker{o, "service", []string{labelBus, labelKind, labelName}}
	return readings{
		bus: []reading[bus.Stats]{
			counter(ofBus, "published", "Events that were accepted from publishers.", func(s *bus.Stats) uint64 { return s.Published }),
			counter(ofBus, "refused", "Publishes that returned an error.", func(s *bus.Stats) uint64 { return s.Refused }),
			counter(ofBus, "received", "Messages that came from the transport.", func(s *bus.Stats) uint64 { return s.Received }),
			counter(ofBus, "unmatched", "Events that nobody wanted.", func(s *bus.Stats) uint64 { return s.Unmatched }),
			counter(ofBus, "echo", "Received events that the bus had published itself.", func(s *bus.Stats) uint64 { return s.Echo }),
			counter(ofBus, "duplicate", "Received events that had been received before.", func(s *bus.Stats) uint64 { return s.Duplicate }),
			counter(ofBus, "lost", "Events that are missing between received ones.", func(s *bus.Stats) uint64 { return s.Lost }),
			counter(ofBus, "bad_envelopes", "Received messages with an envelope that cannot be read.", func(s *bus.Stats) uint64 { return s.BadEnvelopes }),
			counter(ofBus, "abandoned", "Deliveries of received events that found no room before the bus was closed.", func(s *bus.Stats) uint64 { return s.Abandoned }),
			counter(ofBus, "evicted", "Pairs of source and topic that were forgotten for room.", func(s *bus.Stats) uint64 { return s.Evicted }),
			counter(ofBus, "notices_dropped", "Notices that callbacks were too slow for.", func(s *bus.Stats) uint64 { return s.NoticesDropped }),
		},
		transport: []reading[transport.Stats]{
			counter(ofTransport, "sent", "Messages that were handed to peers' queues.", func(s *transport.Stats) uint64 { return s.Sent }),
			counter(ofTransport, "received", "Messages that the bus got.", func(s *transport.Stats) uint64 { return s.Received }),
			counter(ofTransport, "dropped", "Messages that peers could not take, or the bus.", func(s *transport.Stats) uint64 { return s.Dropped }),
			counter(ofTransport, "untaken", "Messages that had arrived when the transport ended.", func(s *transport.Stats) uint64 { return s.Untaken }),
			counter(ofTransport, "bad_peers", "Connections that ended because the peer broke the protocol.", func(s *transport.Stats) uint64 { return s.BadPeers }),
			counter(ofTransport, "events_lost", "Events of peers that nobody could be told of.", func(s *transport.Stats) uint64 { return s.EventsLost }),
			counter(ofTransport, "retained_evicted", "Retained messages that had to go for others.", func(s *transport.Stats) uint64 { return s.RetainedEvicted }),
			counter(ofTransport, "late_replies", "Replies that came for no request that is under way.", func(s *transport.Stats) uint64 { return s.LateReplies }),
			counter(ofTransport, "replies_dropped", "Replies that the client did not get.", func(s *transport.Stats) uint64 { return s.RepliesDropped }),
		},
		subscription: []reading[subscription]{
			gauge(ofSubscription, "open", "Subscriptions that there are.", func(s *subscription) uint64 { return uint64(s.Open) }),
			delivered(ofSubscription, "succeeded", func(s *subscription) uint64 { return s.Succeeded }),
			delivered(ofSubscription, "failed", func(s *subscription) uint64 { return s.Failed }),
			delivered(ofSubscription, "filtered", func(s *subscription) uint64 { return s.Filtered }),
			counter(ofSubscription, "dropped", "Events that the overflow policy dropped.", func(s *subscription) uint64 { return s.Dropped }),
			counter(ofSubscription, "abandoned", "Events that waited when a subscription was closed.", func(s *subscription) uint64 { return s.Abandoned }),
			gauge(ofSubscription, "queue_depth", "Events that wait.", func(s *subscription) uint64 { return s.Queued }),
			gauge(ofSubscription, "running", "Events in handlers.", func(s *subscription) uint64 { return s.Running }),
		},
		service: []reading[service]{
			gauge(ofService, "queue_depth", "Requests or tasks that wait; at a queue of tasks, all that are not done.", func(s *service) uint64 { return s.Queued }),
			gauge(ofService, "running", "Requests or tasks in handlers.", func(s *service) uint64 { return s.Running }),
		},
	}
}

func describe[S any](all []reading[S], to chan<- *prometheus.Desc) {
	for _, r := range all {
		to <- r.desc
	}
}

func (r *readings) describe(to chan<- *prometheus.Desc) {
	describe(r.bus, to)
	describe(r.transport, to)
	describe(r.subscription, to)
	describe(r.service, to)
}

// of adds what b has counted.
func (r *readings) of(b *source, to sums) {
	name := valid(b.Name())
	stats := b.stats()
	add(to, r.bus, &stats, name)
	if b.Transport() != nil {
		add(to, r.transport, &stats.Transport, name)
	}
	for _, s := range b.Subscriptions() {
		add(to, r.subscription, &s, name, cmp.Or(valid(s.Name), other), valid(s.Selector))
	}
	for _, s := range b.Services() {
		add(to, r.service, &s, name, s.Kind, valid(s.Name))
	}
}
