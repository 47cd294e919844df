package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/topic"
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
		newWorker(t, b, numbers, func(context.Context, int) error {
			time.Sleep(time.Second)
			return nil
		}, nil)
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

// Shutdown waits until everything is acknowledged, retries and the tasks of later stages included, and refuses Sends from outside.
func TestShutdownDrainsTasks(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p, results := newProducer(t, b, numbers, nil), newProducer(t, b, pipeline.NewTask[string]("results"), nil)
		var got log[string]
		attempts := 0
		newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			time.Sleep(time.Second)
			if n == 2 && attempts == 0 {
				attempts++
				return errors.New("once more")
			}
			return results.Send(ctx, fmt.Sprint(n))
		}, nil)
		newWorker(t, b, pipeline.NewTask[string]("results"), func(_ context.Context, s string) error {
			time.Sleep(time.Second)
			got.add(s)
			return nil
		}, nil)
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
		if len(got.all()) != 3 {
			t.Errorf("got %q", got.all())
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
		w := newWorker(t, b, numbers, func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}, &pipeline.Options{Name: "stubborn"})
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
		w := newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			if n == 1 {
				return errors.New("later")
			}
			<-ctx.Done()
			return nil
		}, nil)
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
		var got log[int]
		w := newWorker(t, b, numbers, func(_ context.Context, n int) error {
			got.add(n)
			return nil
		}, nil)
		if err := w.WaitProducers(within(t, time.Second), 1); err == nil {
			t.Error("a closed producer counts")
		}
		synctest.Wait()
		if s := p.Stats(); s.Acknowledged != 1 || len(got.all()) != 1 {
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

func TestBadOptions(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		for field, o := range map[string]*pipeline.ProducerOptions{
			"pipeline.ProducerOptions.Queue":      {Queue: -1},
			"pipeline.ProducerOptions.DeadLetter": {DeadLetter: "numbers"},
		} {
			_, err := pipeline.NewProducer(b, numbers, o)
			wantOption(t, field, err)
		}
		for field, o := range map[string]*pipeline.Options{
			"pipeline.Options.Workers":            {Workers: -1},
			"pipeline.Options.Prefetch":           {Prefetch: 1<<16 + 1},
			"pipeline.Options.RetryDelay":         {RetryDelay: -1},
			"pipeline.Options.Middleware[0].Wrap": {Middleware: []bus.Middleware{{}}},
		} {
			_, err := pipeline.NewWorker(b, numbers, ignore[int], o)
			wantOption(t, field, err)
		}
		_, err := pipeline.NewWorker(b, numbers, ignore[int], &pipeline.Options{Workers: 1 << 16, Prefetch: 1 << 16})
		wantOption(t, "pipeline.Options.Prefetch", err)
		_, err = pipeline.NewWorker[int](b, numbers, nil, nil)
		wantOption(t, "pipeline.NewWorker handler", err)
		_, err = pipeline.NewWorker(b, pipeline.Task[int]{}, ignore[int], nil)
		wantOption(t, "pipeline.NewWorker task", err)
		_, err = pipeline.NewProducer(b, pipeline.Task[int]{}, nil)
		wantOption(t, "pipeline.NewProducer task", err)
		_, err = pipeline.NewProducer(b, numbers.WithCodec(longContent{codec.JSON}), nil)
		wantOption(t, "content type of the task's codec", err)
		_, err = pipeline.NewProducer(b, pipeline.NewTask[int](strings.Repeat("t", 251)), nil)
		wantOption(t, "pipeline.ProducerOptions.DeadLetter", err)
		p := newProducer(t, b, numbers, nil)
		var refused *pipeline.AttributeError
		for _, a := range []pipeline.Attribute{{}, pipeline.Header("attempt", "1"), pipeline.Header("Upper", "x"), pipeline.ID(""), pipeline.ID(strings.Repeat("x", 256)), pipeline.Header("h", strings.Repeat("x", 65536))} {
			if err := p.Send(t.Context(), 1, a); !errors.As(err, &refused) || refused.Error() == "" {
				t.Errorf("%+v: %v", a, err)
			}
		}
	})
}

// longContent is a codec with a content type that is too long.
type longContent struct{ codec.Codec }

func (longContent) ContentType() string { return strings.Repeat("x", 257) }

func wantOption(t *testing.T, field string, err error) {
	t.Helper()
	var option *bus.OptionError
	if !errors.As(err, &option) || option.Field != field {
		t.Errorf("want an error about %s, got %v", field, err)
	}
}

func TestTaskNames(t *testing.T) {
	t.Parallel()
	var name *topic.NameError
	if _, err := pipeline.ParseTask[int]("a..b"); !errors.As(err, &name) {
		t.Error(err)
	}
	task, err := pipeline.ParseTask[int]("a.b")
	if err != nil || task.String() != "a.b" || task.Codec() != codec.JSON || task.WithCodec(codec.Raw).Codec() != codec.Raw {
		t.Errorf("%v, %v", task, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("NewTask takes any name")
		}
	}()
	pipeline.NewTask[int]("")
}

// Middleware of the bus stands around that of the worker, sees the task as a message, and may change its payload or refuse it.
func TestMiddleware(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		var got log[string]
		around := bus.Wrap("around", func(next bus.Handler) bus.Handler {
			return func(ctx context.Context, m *bus.Message) error {
				payload, err := m.Payload()
				got.add(fmt.Sprint(m.Topic(), m.Seq(), " ", string(payload), err))
				if string(payload) == "13" {
					return bus.ErrFiltered
				}
				m.SetPayload([]byte("4" + string(payload)))
				return next(ctx, m)
			}
		})
		w := newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			_, ok := pipeline.DeliveryFrom(ctx)
			got.add(fmt.Sprint(n, ok))
			return nil
		}, &pipeline.Options{Middleware: []bus.Middleware{around}})
		p := newProducer(t, b, numbers, nil)
		send(t, p, 2, 13)
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		f.producer(t, false).send("numbers", 5, 5)
		synctest.Wait()
		want(t, "seen", got.all(), "numbers1 2<nil>", "42 true", "numbers2 13<nil>", "numbers5 5<nil>", "45 true")
		if s := w.Stats(); s.Filtered != 1 || s.Succeeded != 2 {
			t.Errorf("%+v", s)
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

// Tasks that were sent after a Wait began do not count for it, even if they are done before.
func TestWaitIsForItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, nil)
		proceed := make(chan struct{})
		newWorker(t, b, numbers, func(_ context.Context, n int) error {
			if n == 1 {
				<-proceed
			}
			return nil
		}, &pipeline.Options{Workers: 2})
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
		close(proceed)
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
}
