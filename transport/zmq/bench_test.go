package zmq_test

import (
	"context"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// sample is 64 bytes as JSON.
type sample struct {
	ID   int    `json:"id"`
	Text string `json:"text"`
}

// BenchmarkTyped takes events of 64 bytes from Publish on one bus over tcp to a handler on another one, and stays below the
// limits at which events are dropped.
func BenchmarkTyped(b *testing.B) {
	b.Run("raw", func(b *testing.B) {
		endToEnd(b, topic.New[[]byte]("bench.raw").WithCodec(codec.Raw), make([]byte, 64))
	})
	b.Run("json", func(b *testing.B) {
		endToEnd(b, topic.New[sample]("bench.json"), sample{1_000_000, "0123456789012345678901234567890123456789"})
	})
}

func endToEnd[T any](b *testing.B, events topic.Topic[T], value T) {
	const burst = 100 // at most six of them are under way, and one Write
	here, tr := join(b, &zmq.Options{Publish: zmq.Bind(anyPort)})
	there, _ := join(b, &zmq.Options{Subscribe: zmq.Connect(tr.Bound().Publish...)})
	bursts, done, handled := make(chan struct{}, 4), make(chan struct{}), 0
	sub, err := subscriber.New(there, events, func(context.Context, topic.Event[T]) error {
		if handled++; handled%burst == 0 {
			<-bursts
		}
		if handled == b.N {
			close(done)
		}
		return nil
	}, &subscriber.Options{Overflow: bus.Block})
	if err != nil {
		b.Fatal(err)
	}
	awaitReady(b, sub)
	pub := newPublisher(b, here, events, nil)
	ctx := b.Context()
	b.SetBytes(64)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := pub.Publish(ctx, value); err != nil {
			b.Fatal(err)
		}
		if (i+1)%burst == 0 {
			bursts <- struct{}{}
		}
	}
	<-done
	b.StopTimer()
	if s := there.Stats(); s.Lost != 0 || s.Transport.Received != uint64(b.N) {
		b.Fatalf("%d events: %+v", b.N, s)
	}
}

// BenchmarkPublish is what the driver itself adds to the socket, with nobody there.
func BenchmarkPublish(b *testing.B) {
	tr, m := open(b, nil), message("bench.raw", string(make([]byte, 64)))
	b.ReportAllocs()
	for b.Loop() {
		if err := tr.Publish(m); err != nil {
			b.Fatal(err)
		}
	}
}
