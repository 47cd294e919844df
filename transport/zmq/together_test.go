package zmq_test

import (
	"context"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Buses that publish to each other, over every kind of endpoint and with either side binding, shut down at the same time: neither fails the other,
// and one that stays has everything that was published.
func TestShutdownTogether(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		const rounds, n = 10, 200
		for round := range rounds {
			at := func(name string) string { // of a bus
				if endpoint == anyPort {
					return anyPort
				}
				return endpoint + name + string(rune('a'+round))
			}
			stays, tr := join(t, &zmq.Options{Subscribe: zmq.Bind(at("stays"))})
			witness := tr.Bound().Subscribe[0]
			a, aTr := join(t, &zmq.Options{Publish: zmq.Bind(at("p")).Connect(witness), Subscribe: zmq.Bind(at("s")), SendHWM: -1})
			bound := aTr.Bound()
			b, bTr := join(t, &zmq.Options{Publish: zmq.Connect(bound.Subscribe[0], witness), Subscribe: zmq.Connect(bound.Publish[0]), SendHWM: -1})
			_, seen := collect(t, stays, orders)
			var pubs []*publisher.Publisher[order]
			for _, other := range []*bus.Bus{a, b} {
				if _, err := subscriber.New(other, orders, func(context.Context, topic.Event[order]) error { return nil }, nil); err != nil {
					t.Fatal(err)
				}
				pubs = append(pubs, newPublisher(t, other, orders, nil))
			}
			for _, pub := range pubs {
				if err := pub.WaitSubscribers(patient(t), 3); err != nil { // its own bus, the other, and the one that stays
					t.Fatal(err)
				}
			}
			ctx, all := patient(t), sync.WaitGroup{}
			for i, other := range []*bus.Bus{a, b} {
				all.Go(func() {
					for id := range n {
						_ = pubs[i].Publish(ctx, order{ID: id})
					}
					if err := other.Shutdown(ctx); err != nil {
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			came := map[any]int{}
			for range 2 * n {
				e := next(t, seen)
				if e.Value.ID != came[e.Source()] {
					t.Fatalf("round %d: %d came as number %d", round, e.Value.ID, came[e.Source()])
				}
				came[e.Source()]++
			}
			all.Wait()
			for _, tr := range []*zmq.Transport{aTr, bTr} {
				if s := tr.Stats(); s.Dropped != 0 {
					t.Errorf("round %d: %+v", round, s)
				}
			}
			_ = stays.Close()
		}
	})
}
