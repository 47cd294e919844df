package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
)

// plainProducer returns a producer whose tasks go to plain peers as well.
func plainProducer(t *testing.T, b *bus.Bus) *pipeline.Producer[int] {
	t.Helper()
	return newProducer(t, b, numbers, &pipeline.ProducerOptions{Plain: true, Attempts: 1})
}

// Plain peers get the payload in turns, as long as they have room, and a task is done when it is written.
func TestPlainPeersTakeTurns(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		p := plainProducer(t, b)
		one, other := f.worker(t, true), f.worker(t, true)
		one.room, other.room = 3, 2
		send(t, p, 1, 2, 3, 4, 5, 6)
		a, c := one.got(), other.got()
		all := slices.Concat(a, c)
		slices.Sort(all)
		if len(a) != 3 || len(c) != 2 || strings.Join(all, ",") != "plain 1,plain 2,plain 3,plain 4,plain 5" {
			t.Errorf("%q and %q", a, c)
		}
		if s := p.Stats(); s.Handed != 0 || s.Given != 5 || s.Waiting != 1 {
			t.Errorf("%+v", s)
		}
		one.write(2)
		if s := p.Stats(); s.Handed != 2 || s.Given != 4 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
		other.write(2)
		one.write(2)
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if err := p.WaitWorkers(t.Context(), 2); err != nil {
			t.Error(err)
		}
		balance(t, p.Stats())
		before := len(one.got())
		for i := range 10 { // each is written before the next one is sent
			send(t, p, i)
			one.write(len(one.got()) - int(one.Sent()))
			other.write(len(other.got()) - int(other.Sent()))
		}
		if n := len(one.got()) - before; n != 5 {
			t.Errorf("one of two got %d of 10", n)
		}
	})
}

// eager is a process to which more is written just after Sent was read for the first time.
type eager struct {
	*fakeWorker
	once sync.Once
}

func (w *eager) Sent() uint64 {
	sent := w.fakeWorker.Sent()
	if sent > 0 {
		w.once.Do(func() {
			w.mu.Lock()
			w.sent++
			w.mu.Unlock()
			w.source.Written(w)
		})
	}
	return sent
}

// What is written while the producer looks at what was written before is not missed.
func TestWrittenMeanwhile(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		p := plainProducer(t, b)
		w := &eager{fakeWorker: &fakeWorker{source: f.source, peer: transport.Peer{Plain: true}, room: -1}}
		f.source.WorkerUp(w)
		send(t, p, 1, 2)
		w.mu.Lock()
		w.sent = 1
		w.mu.Unlock()
		f.source.Written(w)
		if err := p.Wait(within(t, time.Second)); err != nil {
			t.Errorf("%v: %+v", err, p.Stats())
		}
	})
}

// What was written to a plain peer before it left is done, and the rest goes to the front of the queue, in order.
func TestPlainPeerLeaves(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		p := plainProducer(t, b)
		leaves := f.worker(t, true)
		leaves.room = 3
		send(t, p, 1, 2, 3, 4)
		leaves.mu.Lock()
		leaves.sent = 1
		leaves.mu.Unlock()
		leaves.down()
		if s := p.Stats(); s.Handed != 1 || s.Waiting != 3 || s.DeadLetters != 0 {
			t.Errorf("%+v", s)
		}
		next := f.worker(t, true)
		want(t, "the next peer", next.got(), "plain 2", "plain 3", "plain 4")
		next.write(3)
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A process of ours that has given credit for the plain form gets it, within that credit; for the name it gets the task itself, acknowledged.
func TestPlainFormForOwnPeers(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		newProducer(t, b, pipeline.NewTask[int]("others"), nil)
		w := f.worker(t, false)
		f.source.Credit(w, "", 2)
		p := plainProducer(t, b)
		send(t, p, 1, 2, 3)
		want(t, "plain form", w.got(), "plain 1", "plain 2")
		f.source.Credit(w, "numbers", 1)
		want(t, "by its name", w.got()[2:], "numbers#3 3")
		f.source.Credit(w, "", 100)
		send(t, p, 4)
		want(t, "with both, without credit for the name", w.got()[3:])
		f.source.Credit(w, "numbers", 0)
		f.source.Credit(w, "numbers", 0)
		if got := w.got()[3:]; len(got) != 1 || got[0] != "plain 4" {
			t.Errorf("after the name was taken back: %q", got)
		}
		w.write(4)
		f.source.Ack(w, "numbers", 3, 1)
		if s := p.Stats(); s.Handed != 3 || s.Acknowledged != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// Only one task of a bus is for plain peers, and only one worker is for plain producers.
func TestPlainIsOnce(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		plainProducer(t, b)
		plainProducer(t, b)
		others := pipeline.NewTask[int]("others")
		var used *pipeline.InUseError
		if _, err := pipeline.NewProducer(b, others, &pipeline.ProducerOptions{Plain: true}); !errors.As(err, &used) || used.What != "pipeline.ProducerOptions.Plain" || used.Task != "numbers" {
			t.Error(err)
		}
		w := newWorker(t, b, numbers, ignore[int], &pipeline.Options{Default: true})
		if _, err := pipeline.NewWorker(b, others, ignore[int], &pipeline.Options{Default: true}); !errors.As(err, &used) || used.What != "pipeline.Options.Default" || used.Task != "numbers" {
			t.Error(err)
		}
		p := f.producer(t, false)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		worker := bustest.NewTask(t, others)
		newWorker(t, b, others, worker.Handle, &pipeline.Options{Default: true})
		p.sendPlain("1") // with credit of the former worker, or of this one
		synctest.Wait()
		if got := values(worker); len(got) != 1 {
			t.Errorf("got %v, told %q", got, p.told.all())
		}
	})
}

// The tasks of plain peers wait for a worker marked Default, and for its room; they are handled once, and told to nobody.
func TestDefaultWorker(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		newWorker(t, b, pipeline.NewTask[int]("others"), ignore[int], nil)
		p := f.producer(t, true)
		taken := make(chan int, 1)
		go func() { taken <- p.sendPlain("1", "2", "3", "4", "5") }()
		time.Sleep(time.Second)
		select {
		case n := <-taken:
			t.Fatalf("%d were taken by nobody", n)
		default:
		}
		var got log[int]
		proceed := make(chan struct{})
		w := newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			d, ok := pipeline.DeliveryFrom(ctx)
			if !ok || d.Task() != "numbers" || d.ID() != "" || d.Seq() != 0 || !d.Time().IsZero() || d.Attempt() != 1 {
				t.Errorf("%+v", d)
			}
			got.add(n)
			<-proceed
			return errors.New("once is enough")
		}, &pipeline.Options{Default: true, Prefetch: 2})
		if err := w.WaitProducers(within(t, time.Second), 1); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if s := w.Stats(); s.Running != 1 || s.Held != 2 || len(taken) != 0 {
			t.Errorf("%+v", s)
		}
		proceed <- struct{}{}
		synctest.Wait()
		proceed <- struct{}{}
		if n := <-taken; n != 5 {
			t.Errorf("%d taken", n)
		}
		time.Sleep(time.Minute)
		if s := w.Stats(); s.Held != 2 || s.Returned != 0 {
			t.Errorf("what cannot be given back was: %+v", s)
		}
		_ = w.Close()
		close(proceed)
		<-w.Done()
		if s := w.Stats(); s.Failed != 5 || s.Held != 0 || !slices.Equal(got.all(), []int{1, 2, 3, 4, 5}) {
			t.Errorf("%+v, %v", s, got.all())
		}
		want(t, "told", p.told.all())
		balanceWorkers(t, w)
	})
}

// Beside a worker marked Default others of its task get nothing that is plain, and give no room for it.
func TestDefaultWorkerBesideOthers(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		other, busy := bustest.NewTask(t, numbers), bustest.NewTask(t, numbers, bustest.Block())
		newWorker(t, b, numbers, other.Handle, nil)
		w := newWorker(t, b, numbers, busy.Handle, &pipeline.Options{Default: true, Prefetch: 2})
		p := f.producer(t, true)
		taken := make(chan int, 1)
		go func() { taken <- p.sendPlain("1", "2", "3", "4") }()
		synctest.Wait()
		if s := w.Stats(); s.Running != 1 || s.Held != 2 || len(taken) != 0 {
			t.Errorf("%+v, %d were taken", s, len(taken))
		}
		busy.Release()
		if n := <-taken; n != 4 {
			t.Errorf("%d taken", n)
		}
		synctest.Wait()
		if got := values(busy); !slices.Equal(got, []int{1, 2, 3, 4}) || len(other.Seen()) > 0 {
			t.Errorf("it got %v, the other one %v", got, other.Seen())
		}
	})
}

// At the end of the bus nobody waits for a plain producer, and what was not taken is left to the transport to count.
func TestPlainProducerAtTheEnd(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		w := newWorker(t, b, numbers, func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return nil
		}, &pipeline.Options{Default: true, Prefetch: 1})
		p := f.producer(t, true)
		taken := make(chan int, 1)
		go func() { taken <- p.sendPlain("1", "2", "3", "4") }()
		synctest.Wait()
		ctx := within(t, time.Second)
		err := b.Shutdown(ctx)
		if n := <-taken; n != 2 {
			t.Errorf("%d taken", n)
		}
		var left *bus.DrainError
		if !errors.As(err, &left) || len(left.Subscriptions) != 1 || left.Subscriptions[0] != (bus.UndrainedSubscription{Name: `worker "numbers"`, Queued: 1, Running: 1}) {
			t.Error(err)
		}
		<-b.Done()
		if s := w.Stats(); s.Abandoned != 1 || s.Succeeded != 1 {
			t.Errorf("%+v", s)
		}
		balanceWorkers(t, w)
	})
}

// What comes in the plain form after the worker marked Default has ended waits for the next one, of whatever task; without one it does not
// keep the bus from ending, and is counted.
func TestPlainFormTooLate(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		w := newWorker(t, b, numbers, ignore[int], &pipeline.Options{Default: true})
		p := f.producer(t, false)
		_ = w.Close()
		<-w.Done()
		p.sendPlain("1", "2") // it has not heard yet
		others := bustest.NewTask(t, pipeline.NewTask[int]("others"))
		next := newWorker(t, b, pipeline.NewTask[int]("others"), others.Handle, &pipeline.Options{Default: true})
		synctest.Wait()
		if got := values(others); len(got) != 2 {
			t.Errorf("the next worker got %v", got)
		}
		balanceWorkers(t, w)
		balanceWorkers(t, next)
		_ = next.Close()
		p.sendPlain("3")
		if err := b.Shutdown(within(t, time.Minute)); err != nil {
			t.Error(err)
		}
		if s := next.Stats(); s.Abandoned != 1 {
			t.Errorf("%+v", s)
		}
		balanceWorkers(t, next)
	})
}
