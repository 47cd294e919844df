package pipeline_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// Tasks of one process are handled in two others, each once when nobody fails, and the dead letter comes back.
func TestBetweenProcesses(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		here := open()
		p := newProducer(t, here, numbers, nil)
		var count tally
		for range 2 {
			newWorker(t, open(), numbers, func(_ context.Context, n int) error {
				if count.add(n); n == 13 {
					return pipeline.DeadLetter(errors.New("unlucky"))
				}
				return nil
			}, nil)
		}
		if err := p.WaitWorkers(within(t, limit), 2); err != nil {
			t.Fatal(err)
		}
		dead := pipeline.NewTask[int]("numbers.dead")
		letters := bustest.NewTask(t, dead)
		newWorker(t, here, dead, letters.Handle, nil)
		const n = 10_000
		for i := range n {
			send(t, p, i)
		}
		var failed *pipeline.DeadLetterError
		if err := p.Wait(within(t, limit)); !errors.As(err, &failed) || failed.N != 1 || failed.Reason != "unlucky" {
			t.Fatalf("Wait: %v, %+v", err, p.Stats())
		}
		count.once(t, n)
		if s := p.Stats(); s.Acknowledged != n-1 || s.DeadLetters != 1 || s.Unknown != 0 {
			t.Errorf("%+v", s)
		}
		balance(t, p.Stats())
		if err := here.Shutdown(within(t, limit)); err != nil {
			t.Error(err)
		}
		if got := values(letters); len(got) != 1 || got[0] != 13 {
			t.Errorf("dead letters %v", got)
		}
	})
}

// Between our own peers the plain form goes to who has a worker marked Default.
func TestPlainFormBetweenProcesses(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		here, there := open(), open()
		var count tally
		newWorker(t, there, pipeline.NewTask[int]("anything"), func(_ context.Context, i int) error {
			count.add(i)
			return nil
		}, &pipeline.Options{Default: true})
		p := newProducer(t, here, numbers, &pipeline.ProducerOptions{Plain: true})
		for i := range 1000 {
			send(t, p, i)
		}
		if err := p.Wait(within(t, limit)); err != nil {
			t.Fatal(err)
		}
		if err := here.Shutdown(within(t, limit)); err != nil { // the last ones may be on their way
			t.Error(err)
		}
		if err := there.Shutdown(within(t, limit)); err != nil {
			t.Error(err)
		}
		count.once(t, 1000)
	})
}
