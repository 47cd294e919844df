package pipeline_test

import (
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/codec/multipart"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// TestTooManyFrames checks that the largest task in frames arrives, and that one that no worker could get is refused at once.
func TestTooManyFrames(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, open bustest.Open) {
		const most = 1022
		here, there := open(), open()
		task := pipeline.NewTask[[][]byte]("store").WithCodec(multipart.Codec)
		worker := bustest.NewTask(t, task)
		newWorker(t, there, task, worker.Handle, nil)
		p := newProducer(t, here, task, nil)
		send(t, p, make([][]byte, most))
		var many *pipeline.FramesError
		if err := p.Send(t.Context(), make([][]byte, most+1)); !errors.As(err, &many) || many.Frames != most+1 || many.Limit != most {
			t.Errorf("a task with one more: %v", err)
		}
		if err := p.Wait(within(t, limit)); err != nil {
			t.Error(err)
		}
		if got := values(worker); len(got) != 1 || len(got[0]) != most {
			t.Errorf("%d tasks have come", len(got))
		}
	})
}

// TestFramesTooLarge checks that the frames of a task count together.
func TestFramesTooLarge(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	b, _ := join(t, &zmq.Options{Push: zmq.Bind(anyPort), MaxMessageSize: limit})
	bustest.AllowUndelivered(t, b) // there is no worker
	p := newProducer(t, b, pipeline.NewTask[[][]byte]("store").WithCodec(multipart.Codec), nil)
	frame := make([]byte, limit/4)
	if err := p.Send(t.Context(), [][]byte{frame, frame, frame}); err != nil {
		t.Error(err)
	}
	var large *pipeline.SizeError
	if err := p.Send(t.Context(), [][]byte{frame, frame, frame, frame}); !errors.As(err, &large) || large.Size <= limit {
		t.Errorf("four quarters and a head: %v", err)
	}
}
