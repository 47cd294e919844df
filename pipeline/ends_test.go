package pipeline_test

import (
	"context"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// Buses that produce, work and collect for each other are shut down one after the other while tasks flow: what was accepted is handled, once.
func TestEndsLoseNothing(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		results := pipeline.NewTask[int]("results")
		both, collecting, producing, working := open(), open(), open(), open()
		var handled tally
		begun := make(chan struct{})
		var begin sync.Once
		for _, b := range []*bus.Bus{both, collecting} {
			newWorker(t, b, results, func(_ context.Context, i int) error {
				if handled.add(i) >= 100 {
					begin.Do(func() { close(begun) })
				}
				return nil
			}, nil)
		}
		for _, b := range []*bus.Bus{both, working} {
			out := newProducer(t, b, results, &pipeline.ProducerOptions{Queue: 20})
			newWorker(t, b, numbers, func(ctx context.Context, i int) error { return out.Send(ctx, i) }, &pipeline.Options{Workers: 3, Prefetch: 4})
		}
		var senders sync.WaitGroup
		var accepted [2]int
		for k, b := range []*bus.Bus{both, producing} {
			p := newProducer(t, b, numbers, nil)
			senders.Go(func() {
				for p.Send(context.Background(), 2*accepted[k]+k) == nil {
					accepted[k]++
				}
			})
		}
		select {
		case <-begun:
		case <-within(t, limit).Done():
			t.Error("nothing flows")
		}
		for _, b := range []*bus.Bus{both, producing, working, collecting} {
			if err := b.Shutdown(within(t, limit)); err != nil {
				t.Error(err)
			}
		}
		senders.Wait()
		for k, n := range accepted {
			for i := range n {
				if times := handled.seen[2*i+k]; times != 1 {
					t.Errorf("%d was handled %d times", 2*i+k, times)
				}
			}
		}
	})
}
