package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

func TestPrefixesInOrder(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		pub, sub := pair(t, endpoint, "a", "b.")
		for i := range 300 {
			publish(t, pub, message("a1", fmt.Sprint(i)), message("c", "unwanted"), message("b", "unwanted"), message("b.x", fmt.Sprint(i)))
		}
		for i := range 300 {
			want(t, sub, message("a1", fmt.Sprint(i)), message("b.x", fmt.Sprint(i)))
		}
	})
}

// A subscription ends with as many Unsubscribes as there were Subscribes.
func TestSubscriptionsAreCounted(t *testing.T) {
	t.Parallel()
	pub, sub := pair(t, anyPort, "a", "a")
	steps := []int{1, 0}
	for _, subscribers := range steps {
		if err := sub.Unsubscribe("a"); err != nil {
			t.Fatal(err)
		}
		eventually(t, pub, fmt.Sprintf("%d subscribers", subscribers), func() bool { return pub.Subscribers("a") == subscribers })
	}
	subscribe(t, sub, "b")
	ready(t, sub)
	publish(t, pub, message("a", "unwanted"), message("b", "wanted"))
	want(t, sub, message("b", "wanted"))
}

// What is received stays as it is, whatever comes later.
func TestMessagesStay(t *testing.T) {
	t.Parallel()
	pub, sub := pair(t, anyPort, "")
	const messages = 500
	payload := []byte("0000")
	for i := range messages {
		copy(payload, fmt.Sprintf("%04d", i)) // Publish has copied it
		publish(t, pub, &transport.Message{Topic: string(payload), Envelope: fakeEnvelope(38), Payload: [][]byte{payload}})
	}
	for i, m := range receive(t, sub, messages) {
		if w := fmt.Sprintf("%04d", i); m.Topic != w || text(m) != w {
			t.Fatalf("message %s is %q on %q", w, text(m), m.Topic)
		}
	}
}

// Publishers and subscribers bind or connect, several of each, and reach each other once.
func TestManyToMany(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		binding := open(t, &zmq.Options{Publish: zmq.Bind(endpoint)})
		gathering := open(t, &zmq.Options{Subscribe: zmq.Bind(anyPort)})
		connecting := open(t, &zmq.Options{Publish: zmq.Bind(anyPort).Connect(gathering.Bound().Subscribe...)})
		dialling := open(t, &zmq.Options{Subscribe: zmq.Connect(binding.Bound().Publish[0], connecting.Bound().Publish[0])})
		subscribe(t, gathering, "")
		subscribe(t, dialling, "")
		ready(t, dialling)
		eventually(t, gathering, "a publisher", func() bool { return gathering.Publishers() == 1 })
		if n := dialling.Publishers(); n != 2 {
			t.Errorf("%d publishers, want 2", n)
		}
		publish(t, binding, message("a", "1"))
		want(t, dialling, message("a", "1"))
		publish(t, connecting, message("a", "2"))
		want(t, dialling, message("a", "2"))
		want(t, gathering, message("a", "2"))
	})
}

func TestConcurrentPublish(t *testing.T) {
	t.Parallel()
	pub, sub := pair(t, anyPort, "")
	const publishers, each = 4, 100
	var all sync.WaitGroup
	for p := range publishers {
		all.Go(func() {
			for i := range each {
				publish(t, pub, message(fmt.Sprint(p), fmt.Sprint(i)))
			}
		})
	}
	all.Wait()
	next := map[string]int{}
	for _, m := range receive(t, sub, publishers*each) {
		if text(m) != fmt.Sprint(next[m.Topic]) {
			t.Fatalf("%s came after %d of %s", text(m), next[m.Topic], m.Topic)
		}
		next[m.Topic]++
	}
}

// A transport of which one half has no endpoints behaves as one with nobody there.
func TestHalves(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*zmq.Options{
		"nothing":        nil,
		"only publish":   {Publish: zmq.Bind(anyPort)},
		"only subscribe": {Subscribe: zmq.Bind(anyPort)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := open(t, o)
			publish(t, tr, message("a", "to nobody"))
			subscribe(t, tr, "a")
			if len(tr.Pending()) != 0 || tr.Publishers() != 0 || tr.Subscribers("a") != 0 {
				t.Errorf("pending %q, %d publishers, %d subscribers", tr.Pending(), tr.Publishers(), tr.Subscribers("a"))
			}
			ctx, cancel := context.WithCancel(t.Context())
			received := make(chan error)
			go func() {
				_, err := tr.Receive(ctx, make([]transport.Message, 1))
				received <- err
			}()
			cancel()
			if err := <-received; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if n, err := tr.Receive(t.Context(), nil); n != 0 || err != nil {
				t.Errorf("into nothing: %d, %v", n, err)
			}
		})
	}
}

// Pending names what is missing, and Changed tells when it no longer is.
func TestPending(t *testing.T) {
	t.Parallel()
	at := ipc(t)
	sub := open(t, &zmq.Options{Subscribe: zmq.Connect(at)})
	subscribe(t, sub, "a")
	if missing := sub.Pending(); len(missing) != 1 || !strings.HasPrefix(missing[0], at) {
		t.Errorf("pending: %q", missing)
	}
	pub := open(t, &zmq.Options{Publish: zmq.Bind(at)})
	ready(t, sub)
	if n := pub.Subscribers("abc"); n != 1 || pub.Subscribers("b") != 0 || sub.Publishers() != 1 {
		t.Errorf("%d subscribers, %d publishers", n, sub.Publishers())
	}
	_ = pub.Close()
	eventually(t, sub, "the publisher is gone", func() bool { return len(sub.Pending()) == 1 && sub.Publishers() == 0 })
}

// The queue of a peer is bounded: what it cannot take is dropped and counted, and Publish never waits.
func TestDropsAreCounted(t *testing.T) {
	t.Parallel()
	const hwm, messages = 10, 3000
	pub := open(t, &zmq.Options{Publish: zmq.Bind(anyPort), SendHWM: hwm})
	sub := open(t, &zmq.Options{Subscribe: zmq.Connect(pub.Bound().Publish...), ReceiveHWM: hwm})
	subscribe(t, sub, "")
	ready(t, sub)
	for i := range messages { // nobody receives: 30 MB are more than a connection holds
		publish(t, pub, message(fmt.Sprintf("%06d", i), strings.Repeat("x", 10_000)))
	}
	s := pub.Stats()
	if s.Dropped == 0 || s.Sent+s.Dropped != messages {
		t.Fatalf("%+v", s)
	}
	last := ""
	for _, m := range receive(t, sub, int(s.Sent)) { // all the others, in order
		if m.Topic <= last {
			t.Fatalf("%s after %s", m.Topic, last)
		}
		last = m.Topic
	}
	if got := sub.Stats().Received; got != s.Sent {
		t.Errorf("%d received, %d sent", got, s.Sent)
	}
}
