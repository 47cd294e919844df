package pipeline_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec/multipart"
	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// TestTooManyFrames checks that the largest task in frames arrives, and that one that no worker could get is refused at once.
func TestTooManyFrames(t *testing.T) {
	t.Parallel()
	const most = 1022
	here, err := zmq.New(&zmq.Options{Push: zmq.Bind("tcp://127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	there, err := zmq.New(&zmq.Options{Pull: zmq.Connect(here.Bound().Push[0])})
	if err != nil {
		t.Fatal(err)
	}
	task := pipeline.NewTask[[][]byte]("store").WithCodec(multipart.Codec)
	got := make(chan int, 1)
	_, err = pipeline.NewWorker(bustest.New(t, &bus.Options{Transport: there}), task, func(_ context.Context, v [][]byte) error {
		got <- len(v)
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.NewProducer(bustest.New(t, &bus.Options{Transport: here}), task, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Send(t.Context(), make([][]byte, most)); err != nil {
		t.Fatal(err)
	}
	if n := <-got; n != most {
		t.Errorf("%d frames have come", n)
	}
	var many *pipeline.FramesError
	if err := p.Send(t.Context(), make([][]byte, most+1)); !errors.As(err, &many) || many.Frames != most+1 || many.Limit != most {
		t.Errorf("a task with one more: %v", err)
	}
	if err := p.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFramesTooLarge checks that the frames of a task count together.
func TestFramesTooLarge(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	tr, err := zmq.New(&zmq.Options{Push: zmq.Bind("tcp://127.0.0.1:0"), MaxMessageSize: limit})
	if err != nil {
		t.Fatal(err)
	}
	b := bustest.New(t, &bus.Options{Transport: tr})
	bustest.AllowUndelivered(t, b) // there is no worker
	p, err := pipeline.NewProducer(b, pipeline.NewTask[[][]byte]("store").WithCodec(multipart.Codec), nil)
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, limit/4)
	if err := p.Send(t.Context(), [][]byte{frame, frame, frame}); err != nil {
		t.Error(err)
	}
	var large *pipeline.SizeError
	if err := p.Send(t.Context(), [][]byte{frame, frame, frame, frame}); !errors.As(err, &large) || large.Size <= limit {
		t.Errorf("four quarters and a head: %v", err)
	}
}
