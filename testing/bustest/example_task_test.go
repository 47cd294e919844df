package bustest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// Thumbnails is the task that the examples are about.
var Thumbnails = pipeline.NewTask[string]("images.thumbnails")

// Import has thumbnails made of all images.
func Import(ctx context.Context, thumbnails pipeline.Interface[string], images ...string) error {
	for _, image := range images {
		if err := thumbnails.Send(ctx, image); err != nil {
			return err
		}
	}
	return thumbnails.Wait(ctx)
}

// A test of code that sends tasks, and is told that one has failed for good.
func ExampleTask() {
	TestImport := func(t *testing.T) {
		thumbnails := bustest.NewTask(t, Thumbnails)
		thumbnails.OnWait(bustest.Fail(&pipeline.DeadLetterError{Task: "images.thumbnails", N: 1, Reason: "no width"}))

		err := Import(t.Context(), thumbnails, "cat", "dog")
		if dead, ok := errors.AsType[*pipeline.DeadLetterError](err); !ok || dead.N != 1 {
			t.Errorf("got %v", err)
		}
		if sent := thumbnails.Sent(); len(sent) != 2 || sent[1].Value != "dog" {
			t.Errorf("sent: %v", sent)
		}
	}
	_ = TestImport
}

// A worker that fails twice: in a bubble of testing/synctest, where the delay before another attempt takes no time.
func ExampleTask_Handle() {
	TestTasksAreGivenAgain := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := bustest.New(t)
			worker := bustest.NewTask(t, Thumbnails, bustest.FailTimes(2, errors.New("disk full")))
			if _, err := pipeline.NewWorker(b, Thumbnails, worker.Handle, nil); err != nil {
				t.Fatal(err)
			}
			thumbnails, err := pipeline.NewProducer(b, Thumbnails, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := Import(t.Context(), thumbnails, "cat"); err != nil {
				t.Fatal(err)
			}
			if attempts := worker.Seen(); len(attempts) != 3 || attempts[2].Number != 3 {
				t.Errorf("got %v", attempts)
			}
		})
	}
	_ = TestTasksAreGivenAgain
}
