package bustest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

var resize = pipeline.NewTask[string]("images.resize")

// TestTaskIsLikeATrueOne compares what is sent with what a worker of a bus gets from a true producer.
func TestTaskIsLikeATrueOne(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	worker := bustest.NewTask(t, resize)
	if _, err := pipeline.NewWorker(b, resize, worker.Handle, nil); err != nil {
		t.Fatal(err)
	}
	producer, err := pipeline.NewProducer(b, resize, nil)
	if err != nil {
		t.Fatal(err)
	}
	fake := bustest.NewTask(t, resize)
	for _, p := range []pipeline.Interface[string]{producer, fake} {
		if err := p.Send(t.Context(), "cat", pipeline.Header("tenant", "acme"), pipeline.ID("1")); err != nil {
			t.Fatal(err)
		}
		if err := p.Send(t.Context(), "dog"); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	handled, sent := worker.WaitTasks(2), fake.Sent()
	if len(handled) != 2 || len(sent) != 2 || len(worker.Sent()) != 0 {
		t.Fatalf("handled: %v, sent: %v, sent by a worker: %v", handled, sent, worker.Sent())
	}
	for i, a := range handled {
		g, w := sent[i], a.Event
		if g.Value != w.Value || g.Topic() != w.Topic() || g.Seq() != w.Seq() || !maps.Equal(maps.Collect(g.Headers()), maps.Collect(w.Headers())) {
			t.Errorf("sent %v with %v, handled %v with %v", g, maps.Collect(g.Headers()), w, maps.Collect(w.Headers()))
		}
		if w.Source() != b.Source() || w.ID() == "" || g.ID() == "" || (i == 0) != (g.ID() == "1") || (i == 0) != (w.ID() == "1") {
			t.Errorf("IDs %q and %q", g.ID(), w.ID())
		}
	}
}

func TestTaskFollowsItsScript(t *testing.T) {
	t.Parallel()
	fake := bustest.NewTask(t, resize, bustest.FailTimes(1, errScripted), bustest.Block())
	for i, want := range []error{errScripted, nil} {
		if err := fake.Send(t.Context(), "cat"); err != want {
			t.Errorf("attempt %d: %v", i+1, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- fake.Send(ctx, "dog") }()
	fake.WaitRunning(1)
	cancel()
	if err := <-result; err != context.Canceled {
		t.Errorf("got %v", err)
	}
	if got, want := described(fake.Sent()), []string{"images.resize#1 cat"}; !slices.Equal(got, want) {
		t.Errorf("sent: %q, want %q", got, want)
	}
	err := fake.Send(t.Context(), "dog", pipeline.Header("Tenant", "acme"))
	if refused, ok := errors.AsType[*pipeline.AttributeError](err); !ok || refused.Name != "Tenant" {
		t.Errorf("got %v", err)
	}
	if seen := fake.Seen(); len(seen) != 3 || seen[1].Number != 2 {
		t.Errorf("seen: %v", seen)
	}
}

// TestTasksNeverWaitForRoom sends more than a true producer keeps by default.
func TestTasksNeverWaitForRoom(t *testing.T) {
	t.Parallel()
	fake := bustest.NewTask(t, resize)
	const tasks = 5000
	for range tasks {
		if err := fake.Send(t.Context(), "cat"); err != nil {
			t.Fatal(err)
		}
	}
	if sent := fake.Sent(); len(sent) != tasks || sent[tasks-1].Seq() != tasks {
		t.Errorf("sent: %d", len(sent))
	}
}

func TestWaitOfTasks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := bustest.NewTask(t, resize)
		if err := fake.Send(t.Context(), "cat"); err != nil {
			t.Fatal(err)
		}
		dead := &pipeline.DeadLetterError{Task: "images.resize", N: 1, Reason: "no width"}
		fake.OnWait(bustest.Fail(dead), bustest.Take(time.Minute))
		fake.OnWait(bustest.Take(time.Hour), bustest.Block())
		if err := fake.Wait(t.Context()); err != dead {
			t.Errorf("got %v", err)
		}
		if err := fake.Wait(t.Context()); err != nil {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := fake.Wait(ctx)
		if left, ok := errors.AsType[*pipeline.UnfinishedError](err); !ok || *left != (pipeline.UnfinishedError{Task: "images.resize", Left: 1, Err: context.DeadlineExceeded}) {
			t.Errorf("got %v", err)
		}
		result := make(chan error)
		go func() { result <- fake.Wait(t.Context()) }()
		fake.WaitRunning(1)
		fake.Release()
		if err := <-result; err != nil {
			t.Errorf("got %v", err)
		}
		if err := fake.Wait(t.Context()); err != nil {
			t.Errorf("after the script: %v", err)
		}
		if seen := fake.Seen(); len(seen) != 1 || len(fake.WaitTasks(1)) != 1 {
			t.Errorf("seen: %v", seen)
		}
	})
}

// TestFakeWorker has the pipeline give again what the fake fails.
func TestFakeWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bustest.New(t)
		bustest.AllowUndelivered(t, b) // nobody does the dead letter
		fake := bustest.NewTask(t, resize, bustest.FailTimes(2, errScripted), bustest.Panic("boom"), bustest.Block())
		if _, err := pipeline.NewWorker(b, resize, fake.Handle, nil); err != nil {
			t.Fatal(err)
		}
		p, err := pipeline.NewProducer(b, resize, &pipeline.ProducerOptions{Attempts: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []string{"cat", "dog", "cow"} {
			if err := p.Send(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
		fake.WaitRunning(1)
		time.Sleep(time.Second)
		fake.Release()
		err = p.Wait(t.Context())
		if dead, ok := errors.AsType[*pipeline.DeadLetterError](err); !ok || dead.N != 1 {
			t.Errorf("Wait returns %v", err)
		}
		var got []string
		for _, a := range fake.WaitTasks(7) {
			got = append(got, a.String())
		}
		slices.Sort(got)
		want := []string{
			"images.resize#1 cat, attempt 1: failed in 0s: no stock left",
			"images.resize#1 cat, attempt 2: failed in 0s: no stock left",
			"images.resize#1 cat, attempt 3: succeeded in 0s",
			"images.resize#2 dog, attempt 1: panicked in 0s: boom",
			"images.resize#2 dog, attempt 2: panicked in 0s: boom",
			"images.resize#2 dog, attempt 3: panicked in 0s: boom",
			"images.resize#3 cow, attempt 1: succeeded in 1s",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestFakeWorkerThatComesLater gets a task that another worker has failed.
func TestFakeWorkerThatComesLater(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	p, err := pipeline.NewProducer(b, resize, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Send(t.Context(), "cat"); err != nil {
		t.Fatal(err)
	}
	other := make(chan *pipeline.Worker, 1)
	w, err := pipeline.NewWorker(b, resize, func(context.Context, string) error {
		return errors.Join((<-other).Close(), errScripted)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	other <- w
	<-w.Done()
	fake := bustest.NewTask(t, resize, bustest.FailTimes(1, errScripted))
	if _, err := pipeline.NewWorker(b, resize, fake.Handle, &pipeline.Options{RetryDelay: 1}); err != nil {
		t.Fatal(err)
	}
	if seen := fake.WaitTasks(2); seen[0].Number != 2 || seen[0].Err != errScripted || seen[1].Number != 3 {
		t.Errorf("seen: %v", seen)
	}
}

// TestHandlerOutsideOfAPipeline is called by a test itself.
func TestHandlerOutsideOfAPipeline(t *testing.T) {
	t.Parallel()
	fake := bustest.NewTask(t, resize, bustest.FailTimes(1, errScripted))
	for i, want := range []error{errScripted, nil} {
		if err := fake.Handle(t.Context(), "cat"); err != want {
			t.Errorf("attempt %d: %v", i+1, err)
		}
	}
	if seen := fake.Seen(); len(seen) != 2 || seen[1].Number != 2 || seen[1].Event.Topic() != "images.resize" {
		t.Errorf("seen: %v", seen)
	}
}

func TestFailuresOfTasks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body func(t testing.TB)
		want string
	}{
		"WaitTasks": {func(t testing.TB) {
			fake := bustest.NewTask(t, resize)
			if err := errors.Join(fake.Send(t.Context(), "cat"), fake.Wait(t.Context())); err != nil {
				t.Errorf("got %v", err)
			}
			fake.WaitTasks(2)
		}, "1 of 2 calls have ended after 10s; seen:" +
			"\n\t+0s images.resize#1 cat, attempt 1: succeeded in 0s" +
			"\n\t+0s Wait: succeeded in 0s"},
		"unused of Wait": {func(t testing.TB) { bustest.NewTask(t, resize).OnWait(bustest.Fail(errScripted)) },
			"the fake task \"images.resize\", OnWait: 1 of 1 behaviours were not used, Fail(no stock left); nothing was called"},
		"bad script of Wait": {func(t testing.TB) {
			bustest.NewTask(t, resize).OnWait(bustest.Always(bustest.Fail(nil)))
			t.Errorf("it goes on after its failure")
		}, "OnWait, behaviour 1 of the script, Always(Fail(<nil>)): the error is nil: there is Succeed"},
		"no task": {func(t testing.TB) { bustest.NewTask(t, pipeline.Task[string]{}) },
			`a producer of "": pipeline.NewProducer task is "", it must be one made by package pipeline, with a codec`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if failures := faketb.Run(t, tc.body).Failures; failures != tc.want {
					t.Errorf("failures %q, want %q", failures, tc.want)
				}
			})
		})
	}
}
