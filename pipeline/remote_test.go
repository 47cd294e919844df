package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
)

// want compares lists.
func want(t *testing.T, what string, got []string, wants ...string) {
	t.Helper()
	if !slices.Equal(got, wants) {
		t.Errorf("%s: got %q, want %q", what, got, wants)
	}
}

// A process gets as many tasks as it has given credit for, and what it takes back it gets no more.
func TestCredit(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, numbers, nil)
		w := f.worker(t, false)
		send(t, p, 10, 11, 12, 13, 14)
		want(t, "without credit", w.got())
		f.source.Credit(w, "numbers", 2)
		want(t, "with credit", w.got(), "numbers#1 10", "numbers#2 11")
		f.source.Credit(w, "others", 100)
		f.source.Credit(w, "numbers", 1)
		f.source.Credit(w, "numbers", 0)
		want(t, "all credit used", w.got()[2:], "numbers#3 12")
		f.source.Credit(w, "numbers", 5)
		f.source.Credit(w, "numbers", 0)
		want(t, "rest", w.got()[3:], "numbers#4 13", "numbers#5 14")
		send(t, p, 15)
		want(t, "after it was taken back", w.got()[5:])
		f.source.Ack(w, "numbers", 1, 5)
		if s := p.Stats(); s.Acknowledged != 5 || s.Waiting != 1 || s.Given != 0 {
			t.Errorf("%+v", s)
		}
		balance(t, p.Stats())
	})
}

// Credit that came before the producer is for it, and WaitWorkers knows.
func TestCreditBeforeProducer(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		newProducer(t, b, pipeline.NewTask[int]("others"), nil)
		w := f.worker(t, false)
		f.source.Credit(w, "numbers", 1)
		p := newProducer(t, b, numbers, nil)
		if err := p.WaitWorkers(within(t, time.Second), 1); err != nil {
			t.Error(err)
		}
		var missing *bus.NotReadyError
		if err := p.WaitWorkers(within(t, time.Second), 2); !errors.As(err, &missing) || missing.Missing[0] != `1 of 2 workers of "numbers"` {
			t.Error(err)
		}
		waited := make(chan error)
		go func() { waited <- p.WaitWorkers(within(t, time.Second), 2) }()
		synctest.Wait()
		newWorker(t, b, numbers, func(context.Context, int) error { return nil }, nil)
		if err := <-waited; err != nil {
			t.Error(err)
		}
		send(t, p, 1)
		if n := len(w.got()); n > 1 {
			t.Errorf("%d tasks", n)
		}
		f.source.Credit(w, "numbers", 0)
		if err := p.WaitWorkers(within(t, time.Second), 2); err == nil {
			t.Error("a process that has taken back its credit counts")
		}
	})
}

// Of those that can take a task, who has the least in hand gets it; in turns among equals.
func TestWhoHasLeastGetsMost(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, numbers, nil)
		slow, quick := f.worker(t, false), f.worker(t, false)
		for _, w := range []*fakeWorker{slow, quick} {
			f.source.Credit(w, "numbers", 1000)
		}
		for i := range 100 {
			send(t, p, i)
			if all := quick.got(); len(all) > 0 {
				var seq uint64
				if _, err := fmt.Sscanf(all[len(all)-1], "numbers#%d", &seq); err != nil {
					t.Fatal(err)
				}
				f.source.Ack(quick, "numbers", seq, 1)
			}
		}
		if s, q := len(slow.got()), len(quick.got()); s+q != 100 || s > 1 {
			t.Errorf("%d for the slow one, %d for the quick one", s, q)
		}
		for i := range 100 { // now nobody acknowledges
			send(t, p, i)
		}
		if s, q := len(slow.got()), len(quick.got()); s+q != 200 || s < 49 || s > 51 {
			t.Errorf("%d for the slow one, %d for the quick one, when both are slow", s, q)
		}
	})
}

// What a lost connection had goes to others at once, with the same sequence and the next attempt, in order.
func TestLostConnection(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		p := newProducer(t, b, numbers, nil)
		one := f.worker(t, false)
		f.source.Credit(one, "numbers", 10)
		send(t, p, 10, 11, 12)
		f.source.Ack(one, "numbers", 2, 1)
		other := f.worker(t, false)
		one.down()
		f.source.Credit(other, "numbers", 10)
		send(t, p, 13)
		want(t, "the other", other.got(), "numbers#1/2 10", "numbers#3/2 12", "numbers#4 13")
		f.source.Ack(other, "numbers", 1, 4)
		if s := p.Stats(); s.Acknowledged != 4 || s.Redelivered != 2 || s.Unknown != 1 {
			t.Errorf("%+v", s)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A task that a process has for longer than AckTimeout goes to another one as well, but not to the same; whoever acknowledges first has done it.
func TestAckTimeout(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{AckTimeout: 10 * time.Second})
		stuck := f.worker(t, false)
		f.source.Credit(stuck, "numbers", 10)
		send(t, p, 10)
		time.Sleep(5 * time.Second)
		send(t, p, 11, 12)
		time.Sleep(5100 * time.Millisecond)
		want(t, "the same", stuck.got(), "numbers#1 10", "numbers#2 11", "numbers#3 12")
		other := f.worker(t, false)
		f.source.Credit(other, "numbers", 10)
		want(t, "the other", other.got(), "numbers#1/2 10")
		time.Sleep(5 * time.Second)
		want(t, "the other later", other.got()[1:], "numbers#2/2 11", "numbers#3/2 12")
		f.source.Ack(stuck, "numbers", 1, 2) // late, but it was done
		f.source.Ack(other, "numbers", 1, 1) // once too often
		if s := p.Stats(); s.Acknowledged != 2 || s.Given != 1 || s.Unknown != 1 || s.Redelivered != 3 {
			t.Errorf("%+v", s)
		}
		other.down()
		want(t, "after the other was lost", stuck.got()[3:], "numbers#3/3 12")
		f.source.Ack(stuck, "numbers", 3, 1)
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		balance(t, p.Stats())
	})
}

// refusing is a process that no task can be sent to.
type refusing struct{ *fakeWorker }

func (refusing) Send(*transport.Message) (uint64, error) { return 0, errors.New("too large") }

// A task that its holder has had for too long, and that could not be sent to another process, is the holder's no more.
func TestOverdueAndRefused(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{AckTimeout: time.Second})
		stuck := f.worker(t, false)
		f.source.Credit(stuck, "numbers", 1)
		send(t, p, 10)
		time.Sleep(2 * time.Second)
		other := refusing{f.worker(t, false)}
		f.source.WorkerUp(other)
		f.source.Credit(other, "numbers", 1)
		f.source.Nack(stuck, "numbers", 1, 0, "")
		if s := p.Stats(); s.Waiting != 1 || s.Given != 0 || s.Unknown != 1 {
			t.Errorf("%+v", s)
		}
		f.source.WorkerDown(other, nil)
		f.source.Credit(stuck, "numbers", 1)
		time.Sleep(time.Second)
		want(t, "after the delay", stuck.got(), "numbers#1 10", "numbers#1/3 10")
		f.source.Ack(stuck, "numbers", 1, 1)
		if err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		balance(t, p.Stats())
	})
}

// With a negative AckTimeout a process may keep a task for ever; who gives a task back that it had for too long may get it again.
func TestAckTimeoutNever(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{AckTimeout: -1})
		q := newProducer(t, b, pipeline.NewTask[int]("impatient"), nil)
		w, idle := f.worker(t, false), f.worker(t, false)
		f.source.Credit(w, "numbers", 10)
		f.source.Credit(w, "impatient", 10)
		send(t, p, 10)
		send(t, q, 20)
		f.source.Credit(idle, "numbers", 10)
		time.Sleep(24 * time.Hour)
		want(t, "the other", idle.got())
		f.source.Nack(w, "impatient", 1, 0, "")
		want(t, "what was given back", w.got(), "numbers#1 10", "impatient#1 20", "impatient#1/2 20")
		balance(t, q.Stats())
		time.Sleep(time.Minute)
		w.down()
		next := f.worker(t, false)
		f.source.Credit(next, "impatient", 10)
		want(t, "what was overdue when its holder was lost", next.got(), "impatient#1/3 20")
		f.source.Ack(next, "impatient", 1, 1)
		if err := q.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		balance(t, q.Stats())
	})
}

// A task that was not done is given again after the delay, to anybody, or never; one without a reason at once, and that is no attempt.
func TestNack(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{Attempts: 2})
		w := f.worker(t, false)
		f.source.Credit(w, "numbers", 100)
		send(t, p, 10)
		for range 5 {
			f.source.Nack(w, "numbers", 1, 0, "")
		}
		if n := len(w.got()); n != 6 || w.got()[5] != "numbers#1 10" {
			t.Errorf("%d deliveries: %q", n, w.got())
		}
		f.source.Nack(w, "numbers", 1, time.Minute, "not now")
		time.Sleep(59 * time.Second)
		want(t, "before the delay", w.got()[6:])
		time.Sleep(2 * time.Second)
		want(t, "after the delay", w.got()[6:], "numbers#1/2 10")
		f.source.Credit(w, "numbers.dead", 10)
		f.source.Nack(w, "numbers", 1, time.Minute, "not ever")
		want(t, "after two attempts", w.got()[7:], "numbers.dead#1 10")
		f.source.Nack(w, "numbers.dead", 1, -1, "nor this")
		time.Sleep(31 * time.Second)
		want(t, "dead letters", w.got()[8:], "numbers.dead#1/2 10")
		f.source.Nack(w, "numbers", 1, 0, "of a task that is gone")
		f.source.Nack(w, "numbers", 99, 0, "of a task that never was")
		f.source.Nack(w, "unknown", 1, 0, "of a name that never was")
		if s := p.Stats(); s.DeadLetters != 1 || s.Unknown != 2 {
			t.Errorf("%+v", s)
		}
		balance(t, p.Stats())
	})
}

// Acknowledgements of what was never given, or of ranges beyond all measure, change nothing and are counted.
func TestAcknowledgementsForNobody(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, numbers, nil)
		w := f.worker(t, false)
		send(t, p, 10, 11)
		f.source.Credit(w, "numbers", 1)
		f.source.Ack(w, "numbers", 2, 1)                   // waits
		f.source.Ack(w, "numbers", 1<<63, 1<<32-1)         // far away
		f.source.Ack(w, "elsewhere", 1, 1)                 // no such task
		f.source.Ack(f.worker(t, true), "numbers", 1, 100) // a plain peer cannot
		if s := p.Stats(); s.Acknowledged != 0 || s.Waiting != 1 || s.Given != 1 || s.Unknown != 1+1<<32-1 {
			t.Errorf("%+v", s)
		}
		f.source.Ack(w, "numbers", 1, 1<<32-1)
		if s := p.Stats(); s.Acknowledged != 1 || s.Waiting != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A flood of credit is bounded, and so are names.
func TestCreditFlood(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, numbers, nil)
		w := f.worker(t, false)
		for range 100 {
			f.source.Credit(w, "numbers", 1<<32-1)
		}
		send(t, p, 1)
		if len(w.got()) != 1 {
			t.Errorf("got %q", w.got())
		}
		other := newProducer(t, b, pipeline.NewTask[int]("others"), nil)
		f.source.Credit(w, "others", 1<<32-1)
		f.source.Credit(w, "others", 1)
		if send(t, other, 2); len(w.got()) != 2 {
			t.Errorf("got %q", w.got())
		}
		for i := range 4096 {
			f.source.Credit(w, fmt.Sprint("name", i), 1)
		}
		if w.rejected == nil || !strings.Contains(w.rejected.Error(), "4096 names") {
			t.Errorf("rejected: %v", w.rejected)
		}
	})
}

// A process whose connection is full gets more when there is room; meanwhile others get the tasks.
func TestFullConnection(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, numbers, nil)
		full := f.worker(t, false)
		full.room = 2
		f.source.Credit(full, "numbers", 100)
		send(t, p, 1, 2, 3, 4)
		if n := len(full.got()); n != 2 || p.Stats().Waiting != 2 {
			t.Errorf("%d tasks, %+v", n, p.Stats())
		}
		other := f.worker(t, false)
		f.source.Credit(other, "numbers", 1)
		want(t, "the other", other.got(), "numbers#3 3")
		full.write(1)
		want(t, "with room", full.got()[2:], "numbers#4 4")
		send(t, p, 5)
		full.write(1)
		want(t, "with room again", full.got()[3:], "numbers#5 5")
	})
}

// What the transport could not carry, or the codec not encode, is not sent.
func TestTooLarge(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, pipeline.NewTask[string]("texts"), nil)
		var size *pipeline.SizeError
		if err := p.Send(t.Context(), strings.Repeat("x", 100_000)); !errors.As(err, &size) || size.Task != "texts" || size.Limit != 100_000 || size.Size <= size.Limit {
			t.Error(err)
		}
		if err := p.Send(t.Context(), strings.Repeat("x", 97_500)); err != nil {
			t.Error(err)
		}
		q := newProducer(t, b, pipeline.NewTask[func()]("functions"), nil)
		if err := q.Send(t.Context(), func() {}); err == nil {
			t.Error("a function was encoded")
		}
		if s := p.Stats(); s.Sent != 1 || q.Stats().Sent != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Large payloads are not copied, and stay what they are until they are given.
func TestLargeTasksStay(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		p := newProducer(t, b, pipeline.NewTask[string]("texts").WithCodec(codec.String), nil)
		for _, letter := range []string{"a", "b", "c"} {
			send(t, p, strings.Repeat(letter, 20_000), letter)
		}
		w := f.worker(t, false)
		f.source.Credit(w, "texts", 10)
		for i, text := range w.got() {
			letter := string("abc"[i/2])
			if want := fmt.Sprintf("texts#%d %s", i+1, strings.Repeat(letter, 20_000-19_999*(i%2))); text != want {
				t.Errorf("task %d is %.20q… of %d bytes", i, text, len(text))
			}
		}
	})
}
