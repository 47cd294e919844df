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

// Send waits for room until its context ends, and goes on when a task is done.
func TestQueueFull(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{Queue: 2})
		send(t, p, 1, 2)
		if err := p.Send(within(t, time.Second), 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if n, err := p.SendBatch(within(t, time.Second), []int{3, 4}); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(n, err)
		}
		sent := make(chan error)
		go func() {
			_, err := p.SendBatch(t.Context(), []int{3, 4, 5, 6})
			sent <- err
		}()
		synctest.Wait()
		newWorker(t, b, numbers, ignore[int], nil)
		if err := <-sent; err != nil {
			t.Error(err)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if s := p.Stats(); s.Sent != 6 || s.Acknowledged != 6 {
			t.Errorf("%+v", s)
		}
	})
}

// Dead letters that nobody has handled count as the producer's: its Sends wait, and memory is bounded.
func TestDeadLettersTakeRoom(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{Queue: 2, DeadLetter: "graveyard"})
		newWorker(t, b, numbers, func(context.Context, int) error { return pipeline.DeadLetter(errors.New("no")) }, nil)
		send(t, p, 1, 2)
		if err := p.Send(within(t, time.Second), 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		newWorker(t, b, pipeline.NewTask[int]("graveyard"), ignore[int], nil)
		send(t, p, 3, 4, 5)
	})
}

// A Send to the task of the handler itself does not wait for what only the handler could make.
func TestSendFromOwnHandler(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{Queue: 1})
		outcome := make(chan error, 1)
		newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			if n == 1 {
				outcome <- p.Send(ctx, 2)
			}
			return nil
		}, nil)
		send(t, p, 1)
		var full *pipeline.FullError
		if err := <-outcome; !errors.As(err, &full) || !errors.Is(err, bus.ErrFull) || full.Task != "numbers" || full.Queue != 1 {
			t.Error(err)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Wait covers what was sent before it, so it ends under load; when its context ends it says how many are left.
func TestWait(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		bustest.AllowUndelivered(t, b)
		p, other := newProducer(t, b, numbers, nil), newProducer(t, b, numbers, nil)
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		send(t, other, 100)
		send(t, p, 1, 2)
		var left *pipeline.UnfinishedError
		if err := p.Wait(within(t, time.Second)); !errors.As(err, &left) || left.Left != 2 || left.Task != "numbers" || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		newWorker(t, b, numbers, bustest.NewTask(t, numbers, bustest.Always(bustest.Take(time.Second))).Handle, nil)
		load, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for p.Send(load, 3) == nil {
			}
		}()
		begun := time.Now()
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if s := p.Stats(); time.Since(begun) > 2*time.Hour || s.Waiting == 0 {
			t.Errorf("after %v: %+v", time.Since(begun), s)
		}
		stop()
		<-stopped
	})
}

// A Wait whose context ends leaves the dead letters to the next one to tell; several at once are all told.
func TestWaitTellsOfDeadLetters(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, numbers, nil)
		proceed := make(chan struct{})
		newWorker(t, b, numbers, func(_ context.Context, n int) error {
			<-proceed
			return pipeline.DeadLetter(fmt.Errorf("no %d", n))
		}, nil)
		send(t, p, 1, 2)
		outcomes := make(chan error)
		for range 2 {
			go func() { outcomes <- p.Wait(t.Context()) }()
		}
		short := within(t, time.Second)
		go func() { outcomes <- p.Wait(short) }()
		synctest.Wait()
		proceed <- struct{}{}
		var left *pipeline.UnfinishedError
		if err := <-outcomes; !errors.As(err, &left) || left.Left != 1 {
			t.Error(err)
		}
		close(proceed)
		var dead *pipeline.DeadLetterError
		for range 2 {
			if err := <-outcomes; !errors.As(err, &dead) || dead.N != 2 || dead.Reason != "no 1" {
				t.Error(err)
			}
		}
		if err := p.Wait(t.Context()); !errors.As(err, &dead) || dead.N != 1 {
			t.Errorf("the one that the Wait without time had seen: %v", err)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A dead letter that comes after a Wait has ended is for the next one to tell.
func TestEndedWaitIsToldNothing(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, numbers, nil)
		send(t, p, 1)
		var left *pipeline.UnfinishedError
		if err := p.Wait(within(t, time.Second)); !errors.As(err, &left) || left.Left != 1 {
			t.Error(err)
		}
		newWorker(t, b, numbers, func(context.Context, int) error { return pipeline.DeadLetter(errors.New("no")) }, nil)
		synctest.Wait()
		var dead *pipeline.DeadLetterError
		if err := p.Wait(t.Context()); !errors.As(err, &dead) || dead.N != 1 {
			t.Error(err)
		}
	})
}

// One free place is enough for a Send that waits for room.
func TestOnePlace(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		for _, queue := range []int{1, 3} {
			task := pipeline.NewTask[int](fmt.Sprint("places.", queue))
			p := newProducer(t, b, task, &pipeline.ProducerOptions{Queue: queue})
			worker := bustest.NewTask(t, task, bustest.Always(bustest.Block()))
			newWorker(t, b, task, worker.Handle, nil)
			for i := range queue {
				send(t, p, i)
			}
			sent := make(chan error, 1)
			go func() { sent <- p.Send(t.Context(), queue) }()
			synctest.Wait()
			worker.ReleaseNext(1)
			synctest.Wait()
			if len(sent) != 1 {
				t.Errorf("with a queue of %d, a Send waits although a task is done", queue)
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		}
	})
}

// A handler that waits for the next stage is acknowledged after that has done the output, also when several wait at once.
func TestWaitInHandler(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		results := pipeline.NewTask[int]("results")
		in, out := newProducer(t, b, numbers, nil), newProducer(t, b, results, nil)
		newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			if err := out.Send(ctx, n); err != nil {
				return err
			}
			return out.Wait(ctx)
		}, &pipeline.Options{Workers: 3})
		send(t, in, 1, 2, 3, 4)
		time.Sleep(time.Minute)
		if s := in.Stats(); s.Acknowledged != 0 {
			t.Errorf("%+v", s)
		}
		newWorker(t, b, results, ignore[int], nil)
		if err := in.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Tasks that were sent after a Wait began do not count for it, even if they are done before.
func TestWaitIsForItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, nil)
		worker := bustest.NewTask(t, numbers, bustest.Block())
		newWorker(t, b, numbers, worker.Handle, &pipeline.Options{Workers: 2})
		send(t, p, 1)
		waited := make(chan error, 1)
		go func() { waited <- p.Wait(t.Context()) }()
		synctest.Wait()
		send(t, p, 2, 3)
		synctest.Wait()
		select {
		case err := <-waited:
			t.Fatalf("the first is not done, and Wait returned %v", err)
		default:
		}
		worker.Release()
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
}
