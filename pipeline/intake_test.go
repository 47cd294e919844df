package pipeline_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
)

// ignore is a handler that has nothing to do.
func ignore[T any](context.Context, T) error { return nil }

// A worker gives every producer credit for what it may hold, and renews it in halves; it acknowledges after the handler.
func TestWorkerGivesCredit(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		worker := bustest.NewTask(t, numbers, bustest.Always(bustest.Block()))
		w := newWorker(t, b, numbers, worker.Handle, &pipeline.Options{Workers: 2, Prefetch: 4})
		p := f.producer(t, false)
		want(t, "at first", p.told.all(), "credit numbers 8")
		if n := p.send("numbers", 1, 8); n != 8 {
			t.Errorf("%d taken", n)
		}
		synctest.Wait()
		if s := w.Stats(); s.Running != 2 || s.Held != 6 || s.Received != 8 {
			t.Errorf("%+v", s)
		}
		want(t, "while they run", p.told.all()[1:])
		for range 4 {
			worker.ReleaseNext(1)
			synctest.Wait()
		}
		var acks, credits int
		for _, line := range p.told.all()[1:] {
			switch {
			case strings.HasPrefix(line, "ack"):
				acks++
			case line == "credit numbers 4":
				credits++
			default:
				t.Errorf("told %q", line)
			}
		}
		if acks != 4 || credits != 1 {
			t.Errorf("told %q", p.told.all())
		}
		for range 2 {
			worker.Release()
			synctest.Wait()
		}
		balanceWorkers(t, w)
	})
}

// A failed handler is told with its reason and delay; what was not begun is given back without.
func TestWorkerTellsFailures(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		newWorker(t, b, numbers, func(_ context.Context, n int) error {
			switch n {
			case 1:
				return errors.New("no")
			case 2:
				return pipeline.RetryAfter(errors.New("later"), time.Minute)
			case 3:
				return pipeline.DeadLetter(errors.New("never"))
			case 4:
				return errors.New("")
			case 5:
				panic("help")
			case 6:
				runtime.Goexit()
			case 7:
				return bus.ErrFiltered
			}
			return errors.New(strings.Repeat("x", 5000))
		}, &pipeline.Options{RetryDelay: time.Second})
		p := f.producer(t, false)
		p.send("numbers", 1, 8)
		again := p.task("numbers", 9, "1")
		again.Envelope = append(again.Envelope, "\x07attempt\x00\x00\x00\x013"...)
		garbage := p.task("numbers", 10, "not a number")
		p.sink.Tasks(p, []transport.Message{again, garbage})
		synctest.Wait()
		told := p.told.all()
		want(t, "told", told[1:8],
			"nack numbers 1 1s no", "nack numbers 2 1m0s later", "nack numbers 3 -1ns never", "nack numbers 4 1s *errors.errorString",
			"nack numbers 5 1s bus: panic in handler: help", "nack numbers 6 1s pipeline: the handler has ended its goroutine", "ack numbers 7+1")
		rest := told[8:]
		rest = slices.DeleteFunc(rest, func(line string) bool { return strings.HasPrefix(line, "credit") })
		if len(rest) != 3 || rest[0] != "nack numbers 8 1s "+strings.Repeat("x", 1024) || rest[1] != "nack numbers 9 4s no" || !strings.Contains(rest[2], "does not decode") {
			t.Errorf("told %q", rest)
		}
	})
}

// What waits here for more than 5 s is given back, and the producer gets less credit until the worker keeps up again.
func TestSlowWorkerGivesBack(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		var nap atomic.Int64
		nap.Store(int64(10 * time.Second))
		w := newWorker(t, b, numbers, func(context.Context, int) error {
			time.Sleep(time.Duration(nap.Load()))
			return nil
		}, nil)
		p := f.producer(t, false)
		p.send("numbers", 1, 16)
		time.Sleep(6 * time.Second)
		if s := w.Stats(); s.Held != 0 || s.Running != 1 || s.Returned != 15 {
			t.Errorf("%+v", s)
		}
		told := p.told.all()
		if len(told) != 16 || told[1] != "nack numbers 2 0s " || told[15] != "nack numbers 16 0s " {
			t.Errorf("told %q", told)
		}
		nap.Store(0)
		time.Sleep(5 * time.Second)
		want(t, "after the first", p.told.all()[16:], "ack numbers 1+1", "credit numbers 2")
		for seq := uint64(17); len(p.told.all()) < 40; seq++ {
			p.send("numbers", seq, seq)
			synctest.Wait()
		}
		if !slices.Contains(p.told.all(), "credit numbers 8") {
			t.Errorf("not as much credit as before: %q", p.told.all())
		}
		balanceWorkers(t, w)
	})
}

// A worker that is closed takes its credit back, gives back what it has not begun, and acknowledges what it finishes; its handlers' context goes on.
func TestClosedWorkerGivesBack(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		proceed := make(chan struct{})
		w := newWorker(t, b, numbers, func(ctx context.Context, _ int) error {
			<-proceed
			return ctx.Err()
		}, nil)
		p := f.producer(t, false)
		p.send("numbers", 1, 3)
		synctest.Wait()
		for range 2 {
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
		want(t, "told", p.told.all(), "credit numbers 16", "credit numbers 0", "nack numbers 2 0s ", "nack numbers 3 0s ")
		p.send("numbers", 4, 4) // it has not heard yet
		want(t, "told", p.told.all()[4:], "nack numbers 4 0s ")
		select {
		case <-w.Done():
			t.Error("done while a handler runs")
		default:
		}
		close(proceed)
		<-w.Done()
		want(t, "told", p.told.all()[5:], "ack numbers 1+1")
		p.send("numbers", 5, 17)
		want(t, "rejected", p.told.all()[6+12:], "reject pipeline: the peer has sent a task \"numbers\" without credit")
		balanceWorkers(t, w)
		newWorker(t, b, numbers, ignore[int], nil)
		if told := p.told.all(); told[len(told)-1] != "credit numbers 16" {
			t.Errorf("the next worker gives no credit: %q", told)
		}
	})
}

// A producer that sends more than it has credit for, or what cannot be read, loses its connection; what it had credit for is handled.
func TestProducersAreHeldToTheirCredit(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		worker := bustest.NewTask(t, numbers)
		newWorker(t, b, numbers, worker.Handle, &pipeline.Options{Prefetch: 3})
		for what, attack := range map[string]func(p *fakeProducer) int{
			"too many":      func(p *fakeProducer) int { return p.send("numbers", 1, 5) },
			"unknown":       func(p *fakeProducer) int { return 3 + p.send("unheard of", 1, 1) },
			"plain":         func(p *fakeProducer) int { return 3 + p.sendPlain("1") },
			"no envelope":   func(p *fakeProducer) int { return 3 + badEnvelope(p) },
			"more and more": func(p *fakeProducer) int { return p.send("numbers", 1, 3) + p.send("numbers", 4, 9) },
		} {
			p := f.producer(t, false)
			taken := attack(p)
			told := p.told.all()
			if taken != 3 || !strings.HasPrefix(told[len(told)-1], "reject ") {
				t.Errorf("%s: %d taken, told %q", what, taken, told)
			}
			synctest.Wait()
			p.down()
		}
		if got := values(worker); !slices.Equal(got, []int{1, 2, 3, 1, 2, 3}) {
			t.Errorf("handled %v", got)
		}
	})
}

func badEnvelope(p *fakeProducer) int {
	m := p.task("numbers", 1, "1")
	m.Envelope[4] = 9 // a version that nobody knows
	return p.sink.Tasks(p, []transport.Message{m})
}

// What a lost producer had sent is not begun any more, and what runs is finished; it is told nothing.
func TestLostProducer(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		worker := bustest.NewTask(t, numbers, bustest.Block())
		w := newWorker(t, b, numbers, worker.Handle, nil)
		p, other := f.producer(t, false), f.producer(t, false)
		p.send("numbers", 1, 3)
		synctest.Wait()
		other.send("numbers", 1, 1)
		p.down()
		worker.Release()
		synctest.Wait()
		if s := w.Stats(); s.Succeeded != 2 || s.Returned != 2 || s.Held != 0 {
			t.Errorf("%+v", s)
		}
		want(t, "the lost one", p.told.all(), "credit numbers 16")
		want(t, "the other", other.told.all(), "credit numbers 16", "ack numbers 1+1")
		balanceWorkers(t, w)
	})
}

// Nothing is kept of a lost producer after the last of its tasks that ran, nor of a lost process with workers.
func TestLostPeersAreForgotten(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		busy := bustest.NewTask(t, numbers, bustest.Block())
		newWorker(t, b, numbers, busy.Handle, &pipeline.Options{Default: true})
		p := newProducer(t, b, pipeline.NewTask[int]("others"), nil)
		peers := func() (weak.Pointer[fakeProducer], weak.Pointer[fakeWorker]) {
			from, to := f.producer(t, false), f.worker(t, false)
			from.send("numbers", 1, 2)
			from.sendPlain("3")
			f.source.Credit(to, "others", 1)
			send(t, p, 1)
			synctest.Wait()
			from.down()
			to.down()
			return weak.Make(from), weak.Make(to)
		}
		producer, worker := peers()
		busy.Release()
		synctest.Wait()
		runtime.GC()
		if producer.Value() != nil || worker.Value() != nil {
			t.Error("they are kept")
		}
	})
}

// Workers of one name share what comes, and producers are served in turns.
func TestWorkersShare(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		var mu sync.Mutex
		count := map[string]int{}
		var order []int
		handler := func(name string, nap time.Duration) func(context.Context, int) error {
			return func(_ context.Context, n int) error {
				mu.Lock()
				count[name]++
				order = append(order, n)
				mu.Unlock()
				time.Sleep(nap)
				return nil
			}
		}
		slow := newWorker(t, b, numbers, handler("slow", 4*time.Second), nil)
		quick := newWorker(t, b, numbers, handler("quick", time.Second), nil)
		one, other := f.producer(t, false), f.producer(t, false)
		want(t, "credit", one.told.all(), "credit numbers 32")
		one.send("numbers", 1, 10)
		other.send("numbers", 101, 110)
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if count["slow"]+count["quick"] < 4 || count["slow"]*2 > count["quick"] {
			t.Errorf("%v", count)
		}
		if !slices.Equal(order[2:6], []int{101, 3, 102, 4}) && !slices.Equal(order[1:5], []int{101, 2, 102, 3}) {
			t.Errorf("order %v", order)
		}
		balanceWorkers(t, slow, quick)
	})
}

// A stage can be closed and begun again while tasks flow, and the queue of its own bus is served by the same workers.
func TestOwnAndForeignTasks(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		worker := bustest.NewTask(t, numbers, bustest.Always(bustest.Take(time.Second)))
		w := newWorker(t, b, numbers, worker.Handle, nil)
		p, own := f.producer(t, false), newProducer(t, b, numbers, nil)
		p.send("numbers", 1, 3)
		send(t, own, 101, 102, 103)
		if err := own.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		got := values(worker)
		if slices.Sort(got); !slices.Equal(got, []int{1, 2, 3, 101, 102, 103}) {
			t.Errorf("got %v", got)
		}
		if err := w.WaitProducers(within(t, time.Second), 2); err != nil {
			t.Error(err)
		}
		var missing *bus.NotReadyError
		if err := w.WaitProducers(within(t, time.Second), 3); !errors.As(err, &missing) || missing.Missing[0] != `2 of 3 producers of "numbers"` {
			t.Error(err)
		}
	})
}

// A worker that holds tasks of its own bus for too long gives them back as well: another process does them.
func TestSlowLocalWorkerGivesBack(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		newWorker(t, b, numbers, bustest.NewTask(t, numbers, bustest.Block()).Handle, nil)
		p := newProducer(t, b, numbers, nil)
		send(t, p, 10, 11, 12)
		synctest.Wait()
		w := f.worker(t, false)
		f.source.Credit(w, "numbers", 100)
		want(t, "at first", w.got())
		time.Sleep(6 * time.Second)
		want(t, "later", w.got(), "numbers#2 11", "numbers#3 12")
	})
}
