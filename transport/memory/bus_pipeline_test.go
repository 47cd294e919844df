package memory_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/transport/memory"
)

func newProducer(t testing.TB, b *bus.Bus) *pipeline.Producer[int] {
	t.Helper()
	p, err := pipeline.NewProducer(b, numbers, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newWorker(t testing.TB, b *bus.Bus, handler func(ctx context.Context, n int) error) *pipeline.Worker {
	t.Helper()
	w, err := pipeline.NewWorker(b, numbers, handler, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Producer and workers come in any order, and each task is done once.
func TestBusPipeline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		const tasks = 3000 // more than the limits of queues
		done := make(chan int, tasks)
		handler := func(_ context.Context, n int) error {
			time.Sleep(time.Millisecond)
			done <- n
			return nil
		}
		early := newWorker(t, busOn(t, network), handler)
		p := newProducer(t, busOn(t, network))
		var late *pipeline.Worker
		time.AfterFunc(time.Second, func() { late = newWorker(t, busOn(t, network), handler) })
		for n := range tasks {
			if err := p.Send(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		close(done)
		got := slices.Sorted(func(yield func(int) bool) {
			for n := range done {
				if !yield(n) {
					return
				}
			}
		})
		for i, n := range got {
			if i != n {
				t.Fatalf("%d instead of %d", n, i)
			}
		}
		if a, b := early.Stats().Succeeded, late.Stats().Succeeded; len(got) != tasks || a+b != tasks || a < 1000 || b < 900 {
			t.Errorf("%d tasks, %d and %d", len(got), a, b)
		}
		if s := p.Stats(); s.Redelivered != 0 || s.Acknowledged != tasks {
			t.Errorf("%+v", s)
		}
	})
}

// A worker that dies with tasks unacknowledged loses none: another one has them at once.
func TestBusWorkerDies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		p := newProducer(t, busOn(t, network))
		dying := busOn(t, network)
		newWorker(t, dying, func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		})
		const tasks = 50
		for n := range tasks {
			if err := p.Send(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		given := p.Stats().Given
		seen := map[int]int{}
		newWorker(t, busOn(t, network), func(_ context.Context, n int) error {
			seen[n]++
			return nil
		})
		synctest.Wait()
		if s := p.Stats(); given == 0 || s.Acknowledged != tasks-given || s.Given != given {
			t.Errorf("%d were given, %+v", given, s)
		}
		_ = dying.Close()
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		for n := range tasks {
			if seen[n] != 1 {
				t.Errorf("task %d was done %d times", n, seen[n])
			}
		}
		if s := p.Stats(); s.Redelivered != given || s.Acknowledged != tasks {
			t.Errorf("%+v", s)
		}
	})
}
