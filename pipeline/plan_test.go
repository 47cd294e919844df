package pipeline_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport"
)

// oneWay is a transport for tasks that may have no Pull endpoint.
type oneWay struct {
	transport.Tasker
	pulls bool
}

func (o oneWay) Pulls() bool { return o.pulls }

// TestExplainSaysWhereTasksComeFrom checks what is said of tasks of other processes.
func TestExplainSaysWhereTasksComeFrom(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pulls bool
		want  bus.Guarantee
	}{
		"no pull endpoint": {false, bus.Never},
		"pull endpoint":    {true, bus.AtLeastOnce},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeTasker{closed: make(chan struct{}), events: make(chan transport.Event)}
				b := bustest.New(t, &bus.Options{Transport: oneWay{f, tc.pulls}})
				w, err := pipeline.NewWorker(b, pipeline.NewTask[int]("double"), func(context.Context, int) error { return nil }, nil)
				if err != nil {
					t.Fatal(err)
				}
				if e := b.Explain(w); e.Remote != tc.want || e.Local != bus.AtLeastOnce {
					t.Errorf("tasks of others come %v, those of this bus %v", e.Remote, e.Local)
				}
			})
		})
	}
}
