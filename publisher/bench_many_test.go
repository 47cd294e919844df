package publisher_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

func ignore(context.Context, topic.Event[sample]) error { return nil }

// crowd subscribes to n topics of their own, and returns what one of them costs in memory.
func crowd(b *testing.B, in *bus.Bus, n int) (bytesEach float64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range n {
		add(b, in, i)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	return float64(after.HeapAlloc-before.HeapAlloc) / float64(n)
}

func add(b *testing.B, in *bus.Bus, i int) {
	if _, err := subscriber.New(in, topic.New[sample](fmt.Sprintf("crowd.%d", i)), ignore, nil); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCrowd publishes round robin to ten topics with one subscription each, and subscribes to one more topic every hundred events, on a
// bus with so many other subscriptions to topics of their own.
func BenchmarkCrowd(b *testing.B) {
	for _, n := range []int{10, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in, err := bus.New(nil)
			if err != nil {
				b.Fatal(err)
			}
			each := crowd(b, in, n)
			var pubs []*publisher.Publisher[sample]
			for i := range 10 {
				pub, err := publisher.New(in, topic.New[sample](fmt.Sprintf("crowd.%d", i)), nil)
				if err != nil {
					b.Fatal(err)
				}
				pubs = append(pubs, pub)
			}
			i := 0
			for b.Loop() {
				if err := pubs[i%10].Publish(b.Context(), sample{ID: i}); err != nil {
					b.Fatal(err)
				}
				if i++; i%100 == 0 {
					add(b, in, n+i)
				}
			}
			b.ReportMetric(each, "B/subscription")
			if err := in.Close(); err != nil {
				b.Fatal(err)
			}
			<-in.Done()
		})
	}
}

// BenchmarkPrefixes publishes on a bus with 100,000 prefix subscriptions of which 3 match: again to the same topic, and for the first
// time to another one.
func BenchmarkPrefixes(b *testing.B) {
	in, err := bus.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	prefixes := []string{"", "orders.", "orders.eu."}
	for i := range 100_000 - len(prefixes) {
		prefixes = append(prefixes, fmt.Sprintf("crowd.%d.", i))
	}
	for _, p := range prefixes {
		if _, err := subscriber.New(in, topic.NewPrefix[sample](p), ignore, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("repeated", func(b *testing.B) {
		pub, err := publisher.New(in, topic.New[sample]("orders.eu.created"), nil)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := pub.Publish(b.Context(), sample{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		i := 0
		for b.Loop() {
			pub, err := publisher.New(in, topic.New[sample](fmt.Sprintf("orders.eu.new%d", i)), nil)
			if err != nil {
				b.Fatal(err)
			}
			if err := pub.Publish(b.Context(), sample{}); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	if err := in.Close(); err != nil {
		b.Fatal(err)
	}
	<-in.Done()
}
