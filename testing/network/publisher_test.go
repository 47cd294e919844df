package network_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

const (
	pulse   = "network.pulse"
	writers = 3 // publish to each topic, in a stream
)

// publishing is the process that publishes.
type publishing struct {
	bus     *bus.Bus
	topics  []string
	payload []byte
	counts  []atomic.Uint64 // by topic

	progress change.Signal // of counts
	streams  sync.WaitGroup
	stop     context.CancelFunc
}

func newPublishing(s *spec) (role, report) {
	o := s.options()
	o.Publish = s.endpoints()
	tr, err := zmq.New(o)
	interop.Must(err)
	b, err := bus.New(&bus.Options{Transport: tr})
	interop.Must(err)
	p := &publishing{bus: b, payload: make([]byte, s.Payload), counts: make([]atomic.Uint64, s.Topics)}
	for i := range s.Topics {
		p.topics = append(p.topics, fmt.Sprint("network.", i))
	}
	var first report
	for _, endpoint := range tr.Bound().Publish {
		first.Endpoint = endpoint
	}
	return p, first
}

func (p *publishing) do(ctx context.Context, command string, n int) (r report) {
	switch command {
	case "wait": // for n subscribers
		for _, pub := range p.publishers() {
			interop.Must(pub.WaitSubscribers(ctx, n))
		}
	case "stream": // until "stop"
		p.begin(p.write)
	case "more": // wait until the stream has come n further
		before := p.total()
		p.await(ctx, func() bool { return p.total() >= before+uint64(n) })
	case "drop": // wait until n events of the stream have found a queue full
		p.await(ctx, func() bool { return p.bus.Stats().Transport.Dropped >= uint64(n) })
	case "stop": // and begin with pulses, for who wants to know when everything has arrived
		p.end()
		p.begin(p.beat)
	case "further": // n events on each topic
		p.end()
		pubs := p.publishers()
		for range n {
			p.round(pubs)
		}
	case "flood": // n events at that rate a second
		r.Took = p.flood(n, n)
	case "publish": // n events as fast as can be
		r.Took = p.flood(n, 1<<40)
	case "weigh":
		r.weigh()
	case "shutdown":
		if err := p.bus.Shutdown(ctx); err != nil {
			r.Err = err.Error()
		}
	}
	for i := range p.counts {
		r.Published = append(r.Published, p.counts[i].Load())
	}
	r.Bus = p.bus.Stats()
	return r
}

func (p *publishing) publisher(name string) *publisher.Publisher[[]byte] {
	pub, err := publisher.New(p.bus, raw(name), nil)
	interop.Must(err)
	return pub
}

// publishers returns one for each topic.
func (p *publishing) publishers() (pubs []*publisher.Publisher[[]byte]) {
	for _, name := range p.topics {
		pubs = append(pubs, p.publisher(name))
	}
	return pubs
}

// round publishes one event to each topic.
func (p *publishing) round(pubs []*publisher.Publisher[[]byte]) {
	for i, pub := range pubs {
		interop.Must(pub.Publish(context.Background(), p.payload))
		p.counts[i].Add(1)
	}
	p.progress.Tell()
}

func (p *publishing) total() (n uint64) {
	for i := range p.counts {
		n += p.counts[i].Load()
	}
	return n
}

func (p *publishing) await(ctx context.Context, holds func() bool) {
	for {
		changed := p.progress.Next()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			panic(fmt.Sprintf("%+v", p.bus.Stats()))
		}
	}
}

func (p *publishing) begin(task func(ctx context.Context)) {
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	p.streams.Go(func() { task(ctx) })
}

func (p *publishing) end() {
	if p.stop != nil {
		p.stop()
	}
	p.streams.Wait()
}

// write publishes to all topics by several publishers at once.
func (p *publishing) write(ctx context.Context) {
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			pubs := p.publishers()
			each(ctx, func() { p.round(pubs) })
		})
	}
	all.Wait()
}

func (p *publishing) beat(ctx context.Context) {
	pub := p.publisher(pulse)
	each(ctx, func() { interop.Must(pub.Publish(ctx, nil)) })
}

// each calls f at a steady pace.
func each(ctx context.Context, f func()) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}

// flood publishes n events to the topics by turns, at a rate that delays do not lower, and returns how long that took.
func (p *publishing) flood(n, rate int) time.Duration {
	pubs := p.publishers()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for published := 0; published < n; <-tick.C {
		for due := min(n, int(time.Since(began).Seconds()*float64(rate))); published < due; published++ {
			i := published % len(pubs)
			interop.Must(pubs[i].Publish(context.Background(), p.payload))
			p.counts[i].Add(1)
		}
	}
	return time.Since(began)
}
