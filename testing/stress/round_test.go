package stress_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/rs/zerolog"
)

// patience bounds what would otherwise hang.
const patience = time.Minute

// round is a service in one process, and two that are connected.
type round struct {
	t                    *testing.T
	local, front, behind *service
	stop                 chan struct{} // closed when the load is to end
	load                 sync.WaitGroup
}

// tally is what has happened.
type tally struct {
	Published, Refused, Handled, Dropped, Abandoned, Received, Lost uint64
}

func (a *tally) add(b tally) {
	a.Published += b.Published
	a.Refused += b.Refused
	a.Handled += b.Handled
	a.Dropped += b.Dropped
	a.Abandoned += b.Abandoned
	a.Received += b.Received
	a.Lost += b.Lost
}

func newRound(t *testing.T, seed uint64) *round {
	t.Helper()
	r := &round{t: t, stop: make(chan struct{})}
	endpoint := "tcp://127.0.0.1:0"
	if seed%2 == 0 {
		endpoint = "inproc://stress"
	}
	front := transportOf(t, &zmq.Options{Publish: zmq.Bind(endpoint)})
	behind := transportOf(t, &zmq.Options{Subscribe: zmq.Connect(front.Bound().Publish...)})
	random := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
	r.local = newService(t, random(1), &bus.Options{Name: "local"})
	r.front = newService(t, random(2), &bus.Options{Name: "front", Transport: front})
	r.behind = newService(t, random(3), &bus.Options{Name: "behind", Transport: behind})
	return r
}

func transportOf(t *testing.T, o *zmq.Options) *zmq.Transport {
	t.Helper()
	tr, err := zmq.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// run puts load on all services for so long, then ends them and holds their counters against each other.
func (r *round) run(length time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), length+patience)
	defer cancel()
	if err := r.behind.watcher.Ready(ctx); err != nil {
		r.t.Error(err)
	}
	for _, s := range []*service{r.local, r.front} {
		for range 3 {
			r.load.Go(func() { s.publish(ctx, r.stop) })
		}
	}
	for _, s := range []*service{r.local, r.front, r.behind} {
		r.load.Go(func() { s.churn(r.stop) })
		r.load.Go(func() { s.check(r.stop) })
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	<-timer.C // how long the load lasts
	close(r.stop)
	r.load.Wait()
	r.front.sayEnd(ctx, r.behind.toldEnd)
	for _, s := range []*service{r.local, r.front, r.behind} {
		s.end(ctx)
	}
	sent, received := r.front.bus.Stats(), r.behind.bus.Stats()
	if sent.Transport.Sent != received.Received+received.Transport.Untaken { // what arrives while the one behind ends is dropped
		r.t.Errorf("%d sent, %d received, %d not taken", sent.Transport.Sent, received.Received, received.Transport.Untaken)
	}
	if remote := sent.Published; remote != sent.Transport.Sent+sent.Transport.Dropped {
		r.t.Errorf("%d published, %d sent and %d dropped by the transport", remote, sent.Transport.Sent, sent.Transport.Dropped)
	}
	if received.Duplicate+received.Echo+received.BadEnvelopes > 0 {
		r.t.Errorf("%+v", received)
	}
}

// tally sums up all services.
func (r *round) tally() (all tally) {
	for _, s := range []*service{r.local, r.front, r.behind} {
		all.add(s.tally())
	}
	return all
}

var quiet = zerolog.Nop() // handlers fail on purpose
