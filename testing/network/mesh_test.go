package network_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

const (
	services   = 3
	meshTopics = 2
	meshEvents = 300 // of each service on each topic
	finished   = "network.finished"
)

// service publishes and subscribes to the same topics as all the others.
type service struct {
	bus   *bus.Bus
	sub   *subscriber.Subscription
	pubs  []*publisher.Publisher[[]byte]
	last  *publisher.Publisher[[]byte]
	ends  chan struct{} // one for each event on finished
	mu    sync.Mutex
	count map[string]int // events handled, by identity
	order []string       // events that came after a later one
}

// Each service dials those that were there before it, or is dialled by them, for both kinds of traffic, and dials itself.
func TestMesh(t *testing.T) {
	t.Parallel()
	var all []*service
	var publish, subscribe []string
	for i := range services {
		self := "ipc://" + filepath.Join(t.TempDir(), fmt.Sprint(i))
		b, tr := interop.Join(t, &zmq.Options{
			Publish:   zmq.Bind(interop.AnyPort, self).Connect(subscribe...),
			Subscribe: zmq.Bind(interop.AnyPort).Connect(publish...).Connect(self),
			SendHWM:   -1,
		})
		all = append(all, newService(t, b))
		publish = append(publish, tr.Bound().Publish[0])
		subscribe = append(subscribe, tr.Bound().Subscribe[0])
	}
	echoes(t, all, services)
}

// All services meet at a proxy, which sends everything to everybody, to who published it as well.
func TestMeshThroughProxy(t *testing.T) {
	t.Parallel()
	front, back := socket.NewXSub(&socket.Options{SendHWM: -1}), socket.NewXPub(&socket.Options{SendHWM: -1})
	for _, s := range []socket.Socket{front, back} {
		t.Cleanup(func() { _ = s.Close() })
		if err := s.Listen(interop.AnyPort); err != nil {
			t.Fatal(err)
		}
	}
	proxy := socket.NewProxy(front, back, nil)
	var running sync.WaitGroup
	running.Go(func() { _ = proxy.Run(t.Context()) })
	t.Cleanup(running.Wait)
	var all []*service
	for range services {
		b, _ := interop.Join(t, &zmq.Options{
			Publish:   zmq.Connect(front.Bound()[0]),
			Subscribe: zmq.Connect(back.Bound()[0]),
			SendHWM:   -1,
		})
		all = append(all, newService(t, b))
	}
	echoes(t, all, 1)
	const events = services * (meshTopics*meshEvents + 1)
	if s := proxy.Stats(); s.Frontend.MessagesIn != events || s.Backend.MessagesOut != events {
		t.Errorf("%+v, want %d in and out", s, events)
	}
}

func newService(t *testing.T, b *bus.Bus) *service {
	t.Helper()
	s := &service{bus: b, ends: make(chan struct{}, services+1), count: map[string]int{}}
	newest := map[string]uint64{}
	var err error
	s.sub, err = subscriber.New(b, all, func(_ context.Context, e topic.Event[[]byte]) error {
		if e.Topic() == finished {
			s.ends <- struct{}{}
			return nil
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		from := fmt.Sprint(e.Source(), " ", e.Topic())
		s.count[fmt.Sprint(from, " ", e.Seq())]++
		if e.Seq() < newest[from] {
			s.order = append(s.order, e.String())
		}
		newest[from] = e.Seq()
		return nil
	}, &subscriber.Options{Overflow: bus.Block})
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string, o *publisher.Options) *publisher.Publisher[[]byte] {
		pub, err := publisher.New(b, raw(name), o)
		if err != nil {
			t.Fatal(err)
		}
		return pub
	}
	for i := range meshTopics {
		s.pubs = append(s.pubs, add(fmt.Sprint("network.", i), nil))
	}
	// Without an envelope nothing says who has published it: it comes back after all that this service has published, and is handled.
	s.last = add(finished, &publisher.Options{Plain: true})
	return s
}

// echoes has all services publish at once, and checks that each handles every event once, those that come back to it included. Each is
// connected to that many peers in each direction.
func echoes(t *testing.T, all []*service, peers int) {
	t.Helper()
	ctx := interop.Patient(t)
	for _, s := range all {
		if err := s.sub.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.sub.WaitPublishers(ctx, len(s.pubs)+1+peers); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range all {
		for _, pub := range append(s.pubs, s.last) {
			if err := pub.WaitSubscribers(ctx, 1+peers); err != nil {
				t.Fatal(err)
			}
		}
	}
	var publishing sync.WaitGroup
	for _, s := range all {
		publishing.Go(func() {
			for range meshEvents {
				for _, pub := range s.pubs {
					if err := pub.Publish(ctx, nil); err != nil {
						t.Error(err)
					}
				}
			}
			if err := s.last.Publish(ctx, nil); err != nil {
				t.Error(err)
			}
		})
	}
	publishing.Wait()

	const own = meshTopics * meshEvents
	for i, s := range all {
		for range services + 1 { // its own here, and everybody's from the network
			select {
			case <-s.ends:
			case <-ctx.Done():
				t.Fatalf("service %d: %+v", i, s.bus.Stats())
			}
		}
		s.mu.Lock()
		if len(s.count) != services*own || len(s.order) > 0 {
			t.Errorf("service %d has handled %d different events, want %d; out of order: %q", i, len(s.count), services*own, s.order)
		}
		for event, times := range s.count {
			if times != 1 {
				t.Errorf("service %d has handled %s %d times", i, event, times)
			}
		}
		s.mu.Unlock()
		if st := s.bus.Stats(); st.Echo != own || st.Received != services*(own+1) || st.Duplicate+st.Lost+st.Transport.Dropped != 0 {
			t.Errorf("service %d: %+v", i, st)
		}
	}
}
