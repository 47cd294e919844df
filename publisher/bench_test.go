package publisher_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/middleware"
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

// atomicCounter is counter for several workers.
type atomicCounter struct{ sum atomic.Int64 }

func (c *atomicCounter) handle(_ context.Context, e topic.Event[sample]) error {
	if e.Value.ID < 0 {
		return errNegative
	}
	c.sum.Add(int64(e.Value.ID))
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
func BenchmarkPublish(b *testing.B) { benchmarkPublish(b, 1, nil) }

// BenchmarkFanOut is one publisher and several subscriptions.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{2, 4, 10, 100} {
		b.Run(strconv.Itoa(n), func(b *testing.B) { benchmarkPublish(b, n, nil) })
	}
}

// BenchmarkMiddleware is BenchmarkPublish with a middleware around the handler.
func BenchmarkMiddleware(b *testing.B) {
	benchmarkPublish(b, 1, &subscriber.Options{Middleware: []bus.Middleware{middleware.Recover()}})
}

// BenchmarkWorkers is BenchmarkPublish with four workers.
func BenchmarkWorkers(b *testing.B) {
	benchmarkPublish(b, 1, &subscriber.Options{Workers: 4})
}

// BenchmarkInline is BenchmarkPublish with an inline subscription.
func BenchmarkInline(b *testing.B) { benchmarkPublish(b, 1, &subscriber.Options{Inline: true}) }

// BenchmarkPublishers is BenchmarkPublish with four publishers at once, of a quarter of the events each.
func BenchmarkPublishers(b *testing.B) {
	const publishers = 4
	in, subs := benchmarkBus(b, 1, nil)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	pubs := make([]*publisher.Publisher[sample], publishers)
	for i := range pubs {
		var err error
		if pubs[i], err = publisher.New(in, samples, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for k, pub := range pubs {
		wg.Go(func() {
			for i := k; i < b.N; i += publishers {
				if err := pub.Publish(ctx, sample{ID: i, Text: "x"}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	finish(b, ctx, in, subs)
}

func benchmarkPublish(b *testing.B, subscriptions int, o *subscriber.Options) {
	in, subs := benchmarkBus(b, subscriptions, o)
	pub, err := publisher.New(in, samples, nil)
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
	finish(b, ctx, in, subs)
}

// finish ends a benchmark when everything was handled.
func finish(b *testing.B, ctx context.Context, in *bus.Bus, subs []*subscriber.Subscription) {
	if err := in.Shutdown(ctx); err != nil { // returns when everything was handled
		b.Fatal(err)
	}
	b.StopTimer()
	if len(subs) > 0 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(subs)), "ns/delivery")
	}
	for _, sub := range subs {
		if s := sub.Stats(); s.Succeeded != uint64(b.N) {
			b.Fatalf("%d of %d events were handled: %+v", s.Succeeded, b.N, s)
		}
	}
}

// benchmarkBus returns a bus with so many subscriptions.
func benchmarkBus(b *testing.B, subscriptions int, o *subscriber.Options) (*bus.Bus, []*subscriber.Subscription) {
	in, err := bus.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	subs := make([]*subscriber.Subscription, subscriptions)
	for i := range subs {
		handle := (&counter{}).handle
		if o != nil && o.Workers > 1 {
			handle = (&atomicCounter{}).handle
		}
		if subs[i], err = subscriber.New(in, samples, handle, o); err != nil {
			b.Fatal(err)
		}
	}
	return in, subs
}

// BenchmarkNobody is publishing without a subscription.
func BenchmarkNobody(b *testing.B) {
	in, _ := benchmarkBus(b, 0, nil)
	pub, err := publisher.New(in, samples, nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ResetTimer()
	for i := range b.N {
		if err := pub.Publish(ctx, sample{ID: i, Text: "x"}); err != nil {
			b.Fatal(err)
		}
	}
	finish(b, ctx, in, nil)
}

// BenchmarkPolicies is BenchmarkPublish with other policies, none of which drops here.
func BenchmarkPolicies(b *testing.B) {
	for _, o := range []bus.Overflow{bus.DropOldest, bus.DropNewest, bus.Latest} {
		b.Run(o.String(), func(b *testing.B) {
			in, subs := benchmarkBus(b, 1, &subscriber.Options{Overflow: o})
			pub, err := publisher.New(in, samples, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := pub.Publish(b.Context(), sample{ID: i, Text: "x"}); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			if err := in.Shutdown(b.Context()); err != nil {
				b.Fatal(err)
			}
			if s := subs[0].Stats(); s.Succeeded+s.Dropped != s.Matched {
				b.Fatalf("%+v", s)
			}
		})
	}
}

// BenchmarkEmptyChain is BenchmarkInline with no middleware named anywhere, and with empty lists of it everywhere: both are to take the same.
func BenchmarkEmptyChain(b *testing.B) {
	for _, tc := range []struct {
		name  string
		chain []bus.Middleware
	}{
		{"nil", nil},
		{"empty", []bus.Middleware{}},
	} {
		b.Run(tc.name, func(b *testing.B) {
			in, err := bus.New(&bus.Options{Publish: tc.chain, Subscribe: tc.chain})
			if err != nil {
				b.Fatal(err)
			}
			sub, err := subscriber.New(in, samples, (&counter{}).handle, &subscriber.Options{Inline: true, Middleware: tc.chain})
			if err != nil {
				b.Fatal(err)
			}
			pub, err := publisher.New(in, samples, &publisher.Options{Middleware: tc.chain})
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
			finish(b, ctx, in, []*subscriber.Subscription{sub})
		})
	}
}
