package publisher_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

type sample struct {
	ID   int
	Text string
}

var samples = topic.New[sample]("bench.samples")

var errNegative = errors.New("negative")

// counter is the handler of all in-process benchmarks: it looks at the event, and may fail.
type counter struct{ sum int }

func (c *counter) handle(_ context.Context, e topic.Event[sample]) error {
	if e.Value.ID < 0 {
		return errNegative
	}
	c.sum += e.Value.ID
	return nil
}

// BenchmarkChannel is the baseline: one channel of events, one producer, one consumer, with the handler and the error check of
// BenchmarkPublish.
func BenchmarkChannel(b *testing.B) {
	events := make(chan topic.Event[sample], 1024)
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	handle := (&counter{}).handle
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		defer close(done)
		for e := range events {
			if err := handle(ctx, e); err != nil {
				b.Error(err)
			}
		}
	}()
	for i := range b.N {
		events <- topic.Event[sample]{Value: sample{ID: i, Text: "x"}}
	}
	close(events)
	<-done
}

// BenchmarkPublish is one publisher and one subscription, from Publish to the return of the last handler.
func BenchmarkPublish(b *testing.B) {
	in, err := bus.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	pub, err := publisher.New(in, samples, nil)
	if err != nil {
		b.Fatal(err)
	}
	sub, err := subscriber.New(in, samples, (&counter{}).handle, nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := pub.Publish(ctx, sample{ID: i, Text: "x"}); err != nil {
			b.Fatal(err)
		}
	}
	if err := in.Shutdown(ctx); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if s := sub.Stats(); s.Succeeded != uint64(b.N) {
		b.Fatalf("%d of %d events were handled: %+v", s.Succeeded, b.N, s)
	}
}
