package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/subscriber"
)

// lateness is how long a subscriber waits for events that were published before the shop closed.
const lateness = 3 * time.Second

// tally counts what a subscriber gets. The zero tally is empty.
type tally struct {
	mu        sync.Mutex
	latencies []time.Duration
	failed    int
	wanted    int           // await waits for so many
	complete  chan struct{} // closed then
}

// add counts an event that was handled that long after it was published.
func (t *tally) add(latency time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latencies = append(t.latencies, latency)
	if t.complete != nil && len(t.latencies) == t.wanted {
		close(t.complete)
	}
}

// fail counts an event whose handler failed.
func (t *tally) fail() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed++
}

// await waits until n events were handled, but not for long: what was lost on the way never comes. The result tells.
func (t *tally) await(ctx context.Context, n int) {
	t.mu.Lock()
	t.wanted, t.complete = n, make(chan struct{})
	if len(t.latencies) >= n {
		close(t.complete)
	}
	complete := t.complete
	t.mu.Unlock()
	select {
	case <-complete:
	case <-time.After(lateness):
	case <-ctx.Done():
	}
}

// result is a row of the table.
type result struct {
	Service, Topics            string
	Delivered, Failed, Dropped int
	P50, P99                   time.Duration
}

// result adds up what the subscriber got, and what the bus dropped for it or found missing.
func (t *tally) result(service string, topics fmt.Stringer, sub *subscriber.Subscription, b *bus.Bus) result {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.latencies)
	return result{
		Service:   service,
		Topics:    topics.String(),
		Delivered: len(t.latencies),
		Failed:    t.failed,
		Dropped:   int(sub.Stats().Dropped + b.Stats().Lost),
		P50:       t.percentile(50),
		P99:       t.percentile(99),
	}
}

// percentile returns the latency that p of 100 events did not exceed. The latencies are sorted.
func (t *tally) percentile(p int) time.Duration {
	if len(t.latencies) == 0 {
		return 0
	}
	return t.latencies[(len(t.latencies)-1)*p/100]
}
