package pipeline_test

import (
	"context"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// Buses that produce, work and collect for each other are shut down one after the other while tasks flow: what was accepted is handled, once.
func TestEndsLoseNothing(t *testing.T) {
	t.Parallel()
	results := pipeline.NewTask[int]("results")
	both, at := join(t, &zmq.Options{Push: zmq.Bind(anyPort), Pull: zmq.Bind(anyPort)})
	collecting, collector := join(t, &zmq.Options{Pull: zmq.Bind(anyPort)})
	producing, source := join(t, &zmq.Options{Push: zmq.Bind(anyPort).Connect(at.Bound().Pull...)})
	working, _ := join(t, &zmq.Options{Pull: zmq.Connect(at.Bound().Push[0], source.Bound().Push[0]), Push: zmq.Connect(collector.Bound().Pull...)})
	var mu sync.Mutex
	accepted, handled := map[int]bool{}, map[int]int{}
	begun := make(chan struct{})
	for _, b := range []*bus.Bus{both, collecting} {
		newWorker(t, b, results, func(_ context.Context, i int) error {
			mu.Lock()
			defer mu.Unlock()
			if handled[i]++; len(handled) == 100 {
				close(begun)
			}
			return nil
		}, nil)
	}
	for _, b := range []*bus.Bus{both, working} {
		out := newProducer(t, b, results, &pipeline.ProducerOptions{Queue: 20})
		newWorker(t, b, numbers, func(ctx context.Context, i int) error { return out.Send(ctx, i) }, &pipeline.Options{Workers: 3, Prefetch: 4})
	}
	var senders sync.WaitGroup
	for k, b := range []*bus.Bus{both, producing} {
		p := newProducer(t, b, numbers, nil)
		senders.Go(func() {
			for i := k; p.Send(context.Background(), i) == nil; i += 2 {
				mu.Lock()
				accepted[i] = true
				mu.Unlock()
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
	for i := range accepted {
		if handled[i] != 1 {
			t.Errorf("%d was handled %d times", i, handled[i])
		}
	}
}
