package network_test

import (
	"context"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// subscribing is the process that subscribes. Its handler is stopped until "release".
type subscribing struct {
	bus  *bus.Bus
	sub  *subscriber.Subscription
	hold chan struct{}
}

func newSubscribing(s *spec) (role, report) {
	o := s.options()
	o.Subscribe = s.endpoints()
	tr, err := zmq.New(o)
	interop.Must(err)
	b, err := bus.New(&bus.Options{Transport: tr})
	interop.Must(err)
	p := &subscribing{bus: b, hold: make(chan struct{})}
	p.sub, err = subscriber.New(b, all, func(context.Context, topic.Event[[]byte]) error {
		<-p.hold
		return nil
	}, &subscriber.Options{Queue: s.Queue, Overflow: s.Overflow})
	interop.Must(err)
	var first report
	for _, endpoint := range tr.Bound().Subscribe {
		first.Endpoint = endpoint
	}
	return p, first
}

func (p *subscribing) do(ctx context.Context, command string, n int) (r report) {
	switch command {
	case "wait": // until n publishers can be heard
		interop.Must(p.sub.Ready(ctx))
		interop.Must(p.sub.WaitPublishers(ctx, n))
	case "weigh":
		r.weigh()
	case "receive": // wait until n events have arrived
		p.await(ctx, func() bool { return p.bus.Stats().Received >= uint64(n) })
	case "release":
		close(p.hold)
	case "drain": // wait until n events have arrived and nothing waits
		p.await(ctx, func() bool {
			s := p.sub.Stats()
			return p.bus.Stats().Received == uint64(n) && s.Queued+s.Running == 0
		})
	}
	r.Subscription, r.Bus = p.sub.Stats(), p.bus.Stats()
	return r
}

// await looks at counters, which tell nobody that they have changed, until they are as wanted or ctx ends: then they are in the report.
func (p *subscribing) await(ctx context.Context, holds func() bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() && ctx.Err() == nil {
		<-tick.C
	}
}
