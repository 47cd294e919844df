package network_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// A process publishes, shuts its bus down and ends. A subscriber that had stopped meanwhile gets every event.
func TestShutdownFlushes(t *testing.T) {
	t.Parallel()
	publishes := spec{Role: "publisher", link: link{SendHWM: -1}, Topics: 1, Payload: 1000}
	t.Run("publisher binds", func(t *testing.T) {
		t.Parallel()
		s := publishes
		s.Bind = interop.AnyPort
		p := start(t, s)
		b, _ := interop.Join(t, &zmq.Options{Subscribe: zmq.Connect(p.endpoint), ReceiveHWM: 10})
		flushes(t, p, b)
	})
	t.Run("subscriber binds", func(t *testing.T) {
		t.Parallel()
		b, tr := interop.Join(t, &zmq.Options{Subscribe: zmq.Bind(interop.AnyPort), ReceiveHWM: 10})
		s := publishes
		s.Connect = tr.Bound().Subscribe[0]
		flushes(t, start(t, s), b)
	})
}

func flushes(t *testing.T, p *child, b *bus.Bus) {
	t.Helper()
	const n = 20_000 // 20 MB: more than the connection of a stopped reader holds
	hold, handled := make(chan struct{}), make(chan uint64, n)
	sub, err := subscriber.New(b, all, func(_ context.Context, e topic.Event[[]byte]) error {
		<-hold
		handled <- e.Seq()
		return nil
	}, &subscriber.Options{Queue: 1, Overflow: bus.Block})
	if err != nil {
		t.Fatal(err)
	}
	connected(t, sub)
	p.ask("wait", 1)
	p.ask("publish", n)
	if received := b.Stats().Received; received > n/2 {
		t.Errorf("%d were received by a stopped reader: there was nothing to flush", received)
	}
	p.tell("shutdown", 0)
	close(hold)
	if r := p.answer(); r.Err != "" || r.Published[0] != n || r.Bus.Transport.Sent != n || r.Bus.Transport.Dropped != 0 {
		t.Errorf("%+v", r)
	}
	ctx := interop.Patient(t)
	for i := range uint64(n) {
		select {
		case seq := <-handled:
			if seq != i+1 {
				t.Fatalf("after %d came %d", i, seq)
			}
		case <-ctx.Done():
			t.Fatalf("only %d of %d came", i, n)
		}
	}
}

// A subscriber process takes nothing any more while the publisher shuts down. Shutdown ends when that process is killed, and with its context
// if it is not, and names it. Another subscriber gets everything.
func TestShutdownNamesPeer(t *testing.T) {
	t.Parallel()
	subscribes := spec{Role: "subscriber", link: link{ReceiveHWM: 10}, Queue: 1, Overflow: bus.Block}
	for name, killed := range map[string]bool{"killed": true, "stopped": false} {
		t.Run(name+"/publisher binds", func(t *testing.T) {
			t.Parallel()
			b, tr := interop.Join(t, &zmq.Options{Publish: zmq.Bind(interop.AnyPort, interop.AnyPort), SendHWM: -1})
			s := subscribes
			s.Connect = tr.Bound().Publish[0]
			abandons(t, b, s.Connect, tr.Bound().Publish[1], start(t, s), killed)
		})
		t.Run(name+"/subscriber binds", func(t *testing.T) {
			t.Parallel()
			s := subscribes
			s.Bind = interop.AnyPort
			c := start(t, s)
			b, tr := interop.Join(t, &zmq.Options{Publish: zmq.Connect(c.endpoint).Bind(interop.AnyPort), SendHWM: -1})
			abandons(t, b, c.endpoint, tr.Bound().Publish[0], c, killed)
		})
	}
}

// abandons shuts the bus down whose connection to the child is at endpoint, and that other subscribers can dial at another.
func abandons(t *testing.T, b *bus.Bus, endpoint, other string, c *child, killed bool) {
	t.Helper()
	well, _ := interop.Join(t, &zmq.Options{Subscribe: zmq.Connect(other)})
	events, sub := keep(t, well)
	connected(t, sub)
	const n, size = 4000, 4 << 10 // 16 MB: more than the connection of a stopped reader holds
	var peer transport.Peer
	b.Notices(func(n bus.Notice) {
		if n, ok := n.(bus.PeerDown); ok && n.Peer.Endpoint == endpoint {
			peer = n.Peer
		}
	})
	pub, err := publisher.New(b, raw("network.0"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(interop.Patient(t), 2); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(interop.Patient(t))
	if _, err := pub.PublishBatch(ctx, slices.Repeat([][]byte{make([]byte, size)}, n)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- b.Shutdown(ctx) }()
	// The one that is well has been flushed: the other is being flushed as well, which nothing tells.
	events.await(t, "the end of a flushed connection", func() bool { return events.downs > 0 })
	if killed {
		c.Kill()
	} else {
		cancel()
	}
	err = <-ended
	cancel()
	<-b.Done() // all notices have been told

	var drain *bus.DrainError
	var flush *socket.FlushError
	if !errors.As(err, &drain) || !errors.As(drain.Transport, &flush) || len(flush.Peers) != 1 {
		t.Fatalf("%v", err)
	}
	if killed == errors.Is(err, context.Canceled) {
		t.Errorf("%v, after the peer was killed: %t", err, killed)
	}
	named := flush.Peers[0]
	if named.Endpoint != endpoint || named.Remote != peer.Address {
		t.Errorf("%v, want one that names %v at %s", err, peer, endpoint)
	}
	events.awaitBeyond(t, []uint64{n - 1})
	if problems, lost := events.problems([]uint64{n}), events.lost(); len(problems) > 0 || lost > 0 {
		t.Errorf("%d lost; %q", lost, problems)
	}
	if s := b.Stats(); named.Queued == 0 || uint64(named.Queued) != s.Transport.Dropped || s.Transport.Sent+s.Transport.Dropped != 2*n {
		t.Errorf("%v; %+v", err, s)
	}
	t.Log(err)
}
