package main

import (
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Three buses, one for each stage, over every transport.
func TestStage(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		source, middle, end := open(), open(), open()
		collector := bustest.NewTask(t, Results)
		if _, err := pipeline.NewWorker(end, Results, collector.Handle, nil); err != nil {
			t.Fatal(err)
		}
		if err := stage(middle, settings{}); err != nil {
			t.Fatal(err)
		}
		numbers, err := pipeline.NewProducer(source, Numbers, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 100 {
			if err := numbers.Send(t.Context(), Number{n}); err != nil {
				t.Fatal(err)
			}
		}
		if err := numbers.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		var got []int
		by := map[int]bool{}
		for _, result := range collector.WaitTasks(100) {
			got = append(got, result.Event.Value.Num)
			by[result.Event.Value.ConsumerID] = true
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != 100 || got[0] != 0 || got[99] != 99 || len(by) != 1 {
			t.Errorf("got %v by %v", got, by)
		}
	})
}
