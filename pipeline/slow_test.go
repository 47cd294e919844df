package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// A producer whose tasks were all given back is asked for some again, although another one keeps the worker busy.
func TestGivenBackIsAskedForAgain(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		newWorker(t, b, numbers, func(_ context.Context, n int) error {
			if n == 1 {
				time.Sleep(6 * time.Second)
			}
			time.Sleep(10 * time.Millisecond)
			return nil
		}, &pipeline.Options{Prefetch: 4})
		busy, patient := f.producer(t, false), f.producer(t, false)
		busy.send("numbers", 1, 1)
		patient.send("numbers", 101, 104)
		time.Sleep(5500 * time.Millisecond)
		if told := patient.told.all(); len(told) != 5 {
			t.Fatalf("not all were given back: %q", told)
		}
		sent := uint64(1)
		for range 1000 {
			var credit, n uint64
			for _, line := range busy.told.all() {
				if _, err := fmt.Sscanf(line, "credit numbers %d", &n); err == nil {
					credit += n
				}
			}
			if credit > sent {
				busy.send("numbers", sent+1, credit)
				sent = credit
			}
			time.Sleep(time.Millisecond)
		}
		if told := patient.told.all(); !slices.Equal(told[5:], []string{"credit numbers 1"}) {
			t.Errorf("told %q", told)
		}
	})
}

// A worker that is stuck with a task of another process gives what it has of its own bus to others, and does not take it at once again.
func TestStuckWorkerAsksForNothing(t *testing.T) {
	remote(t, func(t *testing.T, b *bus.Bus, f *fakeTasker) {
		bustest.AllowUndelivered(t, b)
		newWorker(t, b, numbers, bustest.NewTask(t, numbers, bustest.Block()).Handle, nil)
		f.producer(t, false).send("numbers", 1, 1)
		synctest.Wait()
		p := newProducer(t, b, numbers, nil)
		send(t, p, 10, 11)
		w := f.worker(t, false)
		f.source.Credit(w, "numbers", 100)
		time.Sleep(6 * time.Second)
		want(t, "the other worker", w.got(), "numbers#1 10", "numbers#2 11")
	})
}
