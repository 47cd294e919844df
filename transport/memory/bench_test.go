package memory_test

import (
	"fmt"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// BenchmarkPublish takes messages of 64 bytes, and of 64 KiB, from Publish to Receive, beside the driver over ZeroMQ without a network.
func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{64, 64 << 10} {
		for _, peers := range []int{1, 10} {
			b.Run(fmt.Sprintf("memory/%d/%d", size, peers), func(b *testing.B) {
				all := join(b, peers+1, nil)
				subs := make([]transport.Transport, peers)
				for i, sub := range all[1:] {
					subs[i] = sub
				}
				publishTo(b, all[0], subs, size)
			})
			b.Run(fmt.Sprintf("inproc/%d/%d", size, peers), func(b *testing.B) {
				at := "inproc://" + b.Name()
				pub := openZMQ(b, &zmq.Options{Publish: zmq.Bind(at)})
				subs := make([]transport.Transport, peers)
				for i := range subs {
					subs[i] = openZMQ(b, &zmq.Options{Subscribe: zmq.Connect(at)})
				}
				publishTo(b, pub, subs, size)
			})
		}
	}
}

func openZMQ(b *testing.B, o *zmq.Options) transport.Transport {
	b.Helper()
	tr, err := zmq.New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = tr.Close() })
	return tr
}

// publishTo publishes bursts below the limits at which messages are dropped, each of which is received before the next one.
func publishTo(b *testing.B, pub transport.Transport, subs []transport.Transport, size int) {
	const burst = 100
	for _, sub := range subs {
		subscribe(b, sub, "bench")
		for changed := sub.Changed(); len(sub.Pending()) > 0; changed = sub.Changed() {
			<-changed
		}
	}
	m := numbered("bench", 1, string(make([]byte, size)))
	into := make([]transport.Message, burst)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		publish(b, pub, m)
		if n%burst != burst-1 {
			continue
		}
		for _, sub := range subs {
			for got := 0; got < burst; {
				more, err := sub.Receive(b.Context(), into)
				if err != nil {
					b.Fatal(err)
				}
				got += more
			}
		}
	}
	if s := pub.Stats(); s.Dropped != 0 {
		b.Fatalf("%+v", s)
	}
}

// BenchmarkJoin makes a network of two transports, and ends it.
func BenchmarkJoin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		network := memory.NewNetwork(nil)
		first, second := network.Join(), network.Join()
		_ = first.Close()
		_ = second.Close()
	}
}
