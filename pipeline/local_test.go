package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// bubble runs a test with a bus in virtual time.
func bubble(t *testing.T, test func(t *testing.T, b *bus.Bus)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, bustest.New(t)) })
}

// Every task is handled once when nobody fails, in the order in which it was sent, whether the worker was there before or comes later.
func TestTasksInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, nil)
		send(t, p, 1, 2, 3)
		worker := bustest.NewTask(t, numbers)
		w := newWorker(t, b, numbers, worker.Handle, nil)
		send(t, p, 4, 5)
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := values(worker); !slices.Equal(got, []int{1, 2, 3, 4, 5}) {
			t.Errorf("got %v", got)
		}
		if s := p.Stats(); s.Sent != 5 || s.Acknowledged != 5 {
			t.Errorf("%+v", s)
		}
		balance(t, p.Stats())
		balanceWorkers(t, w)
	})
}

// A handler that fails gets the task again, after a delay that doubles, with its ID, its sequence and the attempt.
func TestRetries(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, nil)
		begun := time.Now()
		var got log[string]
		var ids log[string]
		newWorker(t, b, numbers, func(ctx context.Context, n int) error {
			d, ok := pipeline.DeliveryFrom(ctx)
			got.add(fmt.Sprint(ok, n, d.Seq(), d.Attempt(), time.Since(begun)))
			ids.add(d.ID())
			switch d.Attempt() {
			case 1:
				return errors.New("no")
			case 2:
				panic("no")
			case 3:
				runtime.Goexit()
			case 4:
				return pipeline.RetryAfter(errors.New("later"), time.Minute)
			}
			return nil
		}, nil)
		send(t, p, 7)
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{"true 7 1 1 0s", "true 7 1 2 100ms", "true 7 1 3 300ms", "true 7 1 4 700ms", "true 7 1 5 1m0.7s"}
		if !slices.Equal(got.all(), want) {
			t.Errorf("got %q", got.all())
		}
		if all := ids.all(); all[0] == "" || len(slices.Compact(all)) != 1 {
			t.Errorf("IDs %q", all)
		}
		if s := p.Stats(); s.Redelivered != 4 {
			t.Errorf("%+v", s)
		}
	})
}

// A task that fails too often goes to the dead-letter task, with its ID and headers, and Wait says so; so does one that is never to be tried again.
func TestDeadLetters(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		p := newProducer(t, b, numbers, &pipeline.ProducerOptions{Attempts: 3})
		var attempts log[int]
		newWorker(t, b, numbers, func(_ context.Context, n int) error {
			attempts.add(n)
			switch n {
			case 1:
				return errors.New("always")
			case 2:
				return pipeline.DeadLetter(errors.New("never"))
			}
			return nil
		}, nil)
		var letters log[string]
		refusals := 20
		newWorker(t, b, pipeline.NewTask[int]("numbers.dead"), func(ctx context.Context, n int) error {
			if refusals--; refusals >= 0 {
				return pipeline.DeadLetter(errors.New("dead letters do not die"))
			}
			d, _ := pipeline.DeliveryFrom(ctx)
			letters.add(fmt.Sprint(n, " ", d.ID(), " ", d.Header("who"), " ", d.Header(pipeline.DeadLetterReason), " ", d.Header(pipeline.DeadLetterTask), " ", d.Header(pipeline.DeadLetterAttempts)))
			return nil
		}, nil)
		for _, n := range []int{1, 2, 3} {
			if err := p.Send(t.Context(), n, pipeline.Header("who", "me"), pipeline.ID(fmt.Sprint("id", n))); err != nil {
				t.Fatal(err)
			}
		}
		var dead *pipeline.DeadLetterError
		if err := p.Wait(t.Context()); !errors.As(err, &dead) || dead.N != 2 || dead.Reason != "never" || dead.Task != "numbers" {
			t.Errorf("Wait: %v", err)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Errorf("told twice: %v", err)
		}
		time.Sleep(time.Hour)
		got := letters.all()
		slices.Sort(got)
		if want := []string{"1 id1 me always numbers 3", "2 id2 me never numbers 1"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if s := p.Stats(); s.DeadLetters != 2 || s.Acknowledged != 1 {
			t.Errorf("%+v", s)
		}
		balance(t, p.Stats())
	})
}

// Workers of another Go type or codec get the value encoded and decoded; of the same, as it is.
func TestWorkersOfOtherTypes(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus) {
		same := pipeline.NewTask[*int]("same")
		n := 7
		var got log[any]
		newWorker(t, b, same, func(_ context.Context, v *int) error {
			got.add(v == &n)
			return nil
		}, nil)
		p := newProducer(t, b, same, nil)
		send(t, p, &n)
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := pipeline.NewTask[map[string]int]("other")
		newWorker(t, b, pipeline.NewTask[[]byte]("other").WithCodec(codec.Raw), func(_ context.Context, v []byte) error {
			got.add(string(v))
			return nil
		}, nil)
		q := newProducer(t, b, other, nil)
		send(t, q, map[string]int{"a": 1})
		if err := q.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		text := pipeline.NewTask[string]("text")
		newWorker(t, b, text.WithCodec(codec.String), func(_ context.Context, v string) error {
			got.add(v)
			return nil
		}, nil)
		r := newProducer(t, b, text, nil)
		send(t, r, "x")
		if err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if all := fmt.Sprint(got.all()...); all != `true{"a":1}"x"` {
			t.Errorf("got %s", all)
		}
	})
}
