package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// longest bounds a flow of tasks that would otherwise hang.
const longest = 5 * time.Minute

// sendAll sends the numbers to n, and closes the channel when all of them are done.
func sendAll(t *testing.T, p *pipeline.Producer[int], n int) <-chan struct{} {
	t.Helper()
	done := make(chan struct{})
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	var sending sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		sending.Wait()
	})
	sending.Go(func() {
		defer close(done)
		for i := range n {
			if err := p.Send(ctx, i); err != nil {
				t.Errorf("sending %d: %v", i, err)
				return
			}
		}
		if err := p.Wait(ctx); err != nil {
			t.Errorf("%v, %+v", err, p.Stats())
		}
	})
	return done
}

// Three workers, of which one after the other is killed and started again while tasks flow. Every task is done at least once, and another
// time only if a worker had it in hand when it was killed.
func TestWorkersKilled(t *testing.T) {
	t.Parallel()
	const prefetch = 16
	b, tr := interop.Join(t, &zmq.Options{Push: zmq.Bind(interop.AnyPort)})
	p, err := pipeline.NewProducer(b, chores, &pipeline.ProducerOptions{Attempts: -1})
	if err != nil {
		t.Fatal(err)
	}
	workers := newCrew(t, 3, spec{Role: "worker", Connect: tr.Bound().Push, Prefetch: prefetch})
	workers.kill(killWorkerEvery, sendAll(t, p, chaosTasks))

	times := make([]int, chaosTasks)
	again := 0
	for _, l := range workers.lives {
		if !l.killed {
			l.Kill()
		}
		tasks := l.did()
		for at, n := range tasks {
			if times[n]++; times[n] > 1 {
				again++
			}
			// What is left of a task is where it was done for good: in a process that lived on, or long enough to acknowledge it.
			if !l.killed || at < len(tasks)-prefetch {
				times[n] += settled
			}
		}
	}
	for n, count := range times {
		switch settledIn, done := count/settled, count%settled; {
		case done == 0:
			t.Errorf("%d was never done", n)
		case settledIn > 1:
			t.Errorf("%d was done %d times, though %d workers have acknowledged it", n, done, settledIn)
		}
	}
	s := p.Stats()
	t.Logf("%d tasks, %d kills, %d given again, %d done again", chaosTasks, workers.kills(), s.Redelivered, again)
	if s.Acknowledged != chaosTasks || uint64(again) > s.Redelivered || s.Redelivered > uint64(prefetch*workers.kills()) || s.DeadLetters != 0 {
		t.Errorf("%+v", s)
	}
	if workers.kills() < 3 {
		t.Errorf("only %d workers were killed", workers.kills())
	}
}

// Stages are killed that acknowledge a task only when the next stage has acknowledged what they made of it. Everything arrives at the end, and
// twice only what was given twice.
func TestStagesKilled(t *testing.T) {
	t.Parallel()
	const n = 2 * chaosTasks
	producing, from := interop.Join(t, &zmq.Options{Push: zmq.Bind(interop.AnyPort)})
	collecting, to := interop.Join(t, &zmq.Options{Pull: zmq.Bind(interop.AnyPort)})
	p, err := pipeline.NewProducer(producing, chores, &pipeline.ProducerOptions{Attempts: -1})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	times := make([]int, n)
	_, err = pipeline.NewWorker(collecting, outputs, func(_ context.Context, i int) error {
		mu.Lock()
		defer mu.Unlock()
		times[i]++
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stages := newCrew(t, 3, spec{Role: "stage", Connect: []string{from.Bound().Push[0], to.Bound().Pull[0]}, Workers: 4, Prefetch: 4})
	stages.kill(killWorkerEvery, sendAll(t, p, n))
	if err := collecting.Shutdown(interop.Patient(t)); err != nil {
		t.Error(err)
	}
	again := 0
	for i, count := range times {
		if again += count - 1; count == 0 {
			t.Errorf("%d did not arrive", i)
		}
	}
	s := p.Stats()
	t.Logf("%d tasks, %d kills, %d given again, %d arrived again", n, stages.kills(), s.Redelivered, again)
	if s.Acknowledged != n || uint64(again) > s.Redelivered {
		t.Errorf("%+v", s)
	}
	if stages.kills() < 3 {
		t.Errorf("only %d stages were killed", stages.kills())
	}
}

// A task that kills whoever begins it goes to the dead-letter task after its attempts. All others are done.
func TestDeadlyTask(t *testing.T) {
	t.Parallel()
	const n, deadly, attempts = 100, 50, 3
	b, tr := interop.Join(t, &zmq.Options{Push: zmq.Bind(interop.AnyPort)})
	p, err := pipeline.NewProducer(b, chores, &pipeline.ProducerOptions{Attempts: attempts})
	if err != nil {
		t.Fatal(err)
	}
	letters := make(chan string, n)
	_, err = pipeline.NewWorker(b, pipeline.NewTask[int](chores.String()+".dead"), func(ctx context.Context, i int) error {
		d, _ := pipeline.DeliveryFrom(ctx)
		letters <- fmt.Sprint(i, " after ", d.Header(pipeline.DeadLetterAttempts))
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// With Prefetch 1 it has nothing else in hand when it dies, which would count as an attempt of that, too.
	workers := newCrew(t, 1, spec{Role: "worker", Connect: tr.Bound().Push, Prefetch: 1, Deadly: deadly})
	done := make(chan error, 1)
	ctx := interop.Patient(t)
	go func() {
		for i := range n {
			if err := p.Send(ctx, i); err != nil {
				done <- err
				return
			}
		}
		done <- p.Wait(ctx)
	}()
	for range attempts {
		workers.now[0].says(fmt.Sprint("dying of ", deadly))
		workers.replace(0)
	}
	var dead *pipeline.DeadLetterError
	if err := interop.Next(t, done); !errors.As(err, &dead) || dead.N != 1 {
		t.Errorf("%v, %+v", err, p.Stats())
	}
	if got, want := interop.Next(t, letters), fmt.Sprint(deadly, " after ", attempts); got != want {
		t.Errorf("the dead letter is %s, not %s", got, want)
	}
	if s := p.Stats(); s.Acknowledged != n-1 || s.DeadLetters != 1 || s.Redelivered != attempts-1 {
		t.Errorf("%+v", s)
	}
}

// settled is added to the times that a task was done, for each process that acknowledged it.
const settled = 1 << 20
