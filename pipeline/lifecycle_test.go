package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// Shutdown waits until everything is acknowledged, retries and the tasks of later stages included, and refuses Sends from outside.
func TestShutdownDrainsTasks(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p, results := newProducer(t, b, numbers, nil), newProducer(t, b, pipeline.NewTask[string]("results"), nil)
		collector := bustest.NewTask(t, pipeline.NewTask[string]("results"), bustest.Always(bustest.Take(time.Second)))
		attempts := 0
		newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			time.Sleep(time.Second)
			if n == 2 && attempts == 0 {
				attempts++
				return errors.New("once more")
			}
			return results.Send(ctx, fmt.Sprint(n))
		}, nil)
		newWorker(t, b, pipeline.NewTask[string]("results"), collector.Handle, nil)
		send(t, p, 1, 2, 3)
		waiting := newProducer(t, b, pipeline.NewTask[int]("elsewhere"), &pipeline.ProducerOptions{Queue: 1})
		refused := make(chan error, 1)
		go func() {
			time.Sleep(time.Millisecond)
			refused <- p.Send(context.Background(), 4)
		}()
		if err := b.Shutdown(within(t, time.Minute)); err != nil {
			t.Error(err)
		}
		if err := <-refused; !errors.Is(err, bus.ErrClosed) {
			t.Errorf("a Send during Shutdown: %v", err)
		}
		if got := values(collector); len(got) != 3 {
			t.Errorf("got %q", got)
		}
		if s := p.Stats(); s.Acknowledged != 3 {
			t.Errorf("%+v", s)
		}
		for _, err := range []error{p.Send(context.Background(), 5), waiting.Send(context.Background(), 5), p.Wait(context.Background()), p.WaitWorkers(context.Background(), 9)} {
			if !errors.Is(err, bus.ErrClosed) {
				t.Errorf("after the end: %v", err)
			}
		}
		if _, err := pipeline.NewProducer(b, numbers, nil); !errors.Is(err, bus.ErrClosed) {
			t.Error(err)
		}
		if _, err := pipeline.NewWorker(b, numbers, ignore[int], nil); !errors.Is(err, bus.ErrClosed) {
			t.Error(err)
		}
	})
}

// What Shutdown could not do is in its error, by task and by worker, and is counted as abandoned; a Send that waits for room is refused.
func TestShutdownNamesTasks(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{Queue: 3})
		w := newWorker(t, b, numbers, bustest.NewTask(t, numbers, bustest.Always(bustest.Block())).Handle, &pipeline.Options{Name: "stubborn"})
		send(t, p, 1, 2, 3)
		outcomes := make(chan error, 2)
		go func() { outcomes <- p.Send(context.Background(), 4) }()
		go func() { outcomes <- p.Wait(context.Background()) }()
		synctest.Wait()
		var left *bus.DrainError
		if err := b.Shutdown(within(t, time.Second)); !errors.As(err, &left) || len(left.Subscriptions) != 2 {
			t.Fatal(err)
		}
		for _, one := range left.Subscriptions {
			if one != (bus.UndrainedSubscription{Name: `queue of task "numbers"`, Queued: 3}) && one != (bus.UndrainedSubscription{Name: `worker "stubborn"`, Running: 1}) {
				t.Errorf("left %+v", one)
			}
		}
		for range 2 {
			if err := <-outcomes; !errors.Is(err, bus.ErrClosed) {
				t.Error(err)
			}
		}
		<-b.Done()
		<-w.Done()
		if s := p.Stats(); s.Abandoned != 3 {
			t.Errorf("%+v", s)
		}
		balance(t, p.Stats())
		balanceWorkers(t, w)
	})
}

// A drained bus gives no more credit, gives back what it has not begun, and acknowledges what it has.
func TestShutdownOfWorkers(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		newWorker(t, b, numbers, func(context.Context, int) error {
			time.Sleep(time.Second)
			return nil
		}, &pipeline.Options{Prefetch: 2})
		p := f.producer(t, false)
		p.send("numbers", 1, 2)
		synctest.Wait()
		if err := b.Shutdown(within(t, time.Minute)); err != nil {
			t.Error(err)
		}
		want(t, "told", p.told.all(), "credit numbers 2", "credit numbers 0", "nack numbers 2 0s ", "ack numbers 1+1")
	})
}

// Shutdown waits for the acknowledgements of other processes.
func TestShutdownWaitsForAcknowledgements(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		p := newProducer(t, b, numbers, nil)
		w := f.worker(t, false)
		f.source.Credit(w, "numbers", 1)
		send(t, p, 1)
		go func() {
			time.Sleep(time.Minute)
			f.source.Ack(w, "numbers", 1, 1)
		}()
		begun := time.Now()
		if err := b.Shutdown(within(t, time.Hour)); err != nil || time.Since(begun) < time.Minute {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// Close ends everything at once: contexts, waits, timers.
func TestClose(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		p := newProducer(t, b, numbers, nil)
		w := newWorker(t, b, numbers, bustest.NewTask(t, numbers, bustest.Fail(errors.New("later")), bustest.Block()).Handle, nil)
		peer := f.worker(t, false)
		f.source.Credit(peer, "elsewhere", 1)
		other := newProducer(t, b, pipeline.NewTask[int]("elsewhere"), nil)
		send(t, other, 1)
		send(t, p, 1, 2, 3)
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		<-b.Done()
		if s := p.Stats(); s.Abandoned != 3 {
			t.Errorf("%+v", s)
		}
		if s := other.Stats(); s.Abandoned != 1 {
			t.Errorf("%+v", s)
		}
		f.source.Ack(peer, "elsewhere", 1, 1) // too late
		peer.down()
		balance(t, p.Stats())
		balanceWorkers(t, w)
	})
}

// The tasks of a closed producer are done all the same.
func TestClosedProducer(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, nil)
		send(t, p, 1)
		for range 2 {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := errors.Join(p.Send(t.Context(), 2)); !errors.Is(err, bus.ErrClosed) {
			t.Error(err)
		}
		if err := p.Wait(t.Context()); !errors.Is(err, bus.ErrClosed) {
			t.Error(err)
		}
		worker := bustest.NewTask(t, numbers)
		w := newWorker(t, b, numbers, worker.Handle, nil)
		if err := w.WaitProducers(within(t, time.Second), 1); err == nil {
			t.Error("a closed producer counts")
		}
		synctest.Wait()
		if s := p.Stats(); s.Acknowledged != 1 || len(worker.Seen()) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A handler may close its worker; what it has not begun goes to another one.
func TestWorkerClosesItself(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, nil)
		var w *pipeline.Worker
		ready := make(chan struct{})
		w = newWorker(t, b, numbers, func(context.Context, int) error {
			<-ready
			return w.Close()
		}, nil)
		send(t, p, 1, 2, 3)
		close(ready)
		<-w.Done()
		if s := p.Stats(); s.Acknowledged != 1 || s.Waiting != 2 || s.Redelivered != 0 {
			t.Errorf("%+v", s)
		}
		newWorker(t, b, numbers, ignore[int], nil)
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The bus knows its workers' handlers: one may end the bus, and Shutdown does not wait for it there.
func TestShutdownFromTaskHandler(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, nil)
		begun := make(chan error, 1)
		newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			if n == 1 {
				begun <- b.Shutdown(ctx)
				return p.Send(ctx, 2)
			}
			return nil
		}, nil)
		send(t, p, 1)
		if err := <-begun; !errors.Is(err, bus.ErrInHandler) {
			t.Error(err)
		}
		<-b.Done()
		if s := p.Stats(); s.Acknowledged != 2 {
			t.Errorf("%+v", s)
		}
	})
}
