package bus_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/topic"
	"github.com/fanfare-go/fanfare/transport"
)

// stallingTransport has publishes of 2 wait, with the locks of their topic.
type stallingTransport struct {
	*fakeTransport
	stalled, release chan struct{}
}

func (s stallingTransport) Publish(m *transport.Message) error {
	if string(m.Payload[0]) == "2" {
		close(s.stalled)
		<-s.release
	}
	return s.fakeTransport.Publish(m)
}

// Sentence 9: the contexts of handlers do not end before what waits is abandoned: a handler that returns then is not to begin it. Here the
// queue cannot be closed for a while.
func TestContextsEndAfterTheQueue(t *testing.T) {
	t.Parallel()
	tr := stallingTransport{newFakeTransport(), make(chan struct{}), make(chan struct{})}
	b := bustest.New(t, &bus.Options{Transport: tr})
	bustest.AllowUndelivered(t, b)
	begun, ended := make(chan struct{}), make(chan struct{})
	s := subscribe(t, b, numbers, func(ctx context.Context, _ topic.Event[int]) error {
		close(begun) // panics for a second event
		<-ctx.Done()
		close(ended)
		return nil
	}, nil)
	p := newPublisher(t, b, numbers)
	publish(t, t.Context(), p, 1)
	<-begun
	go func() {
		if err := p.Publish(context.Background(), 2); err != nil {
			t.Error(err)
		}
	}()
	<-tr.stalled
	closing := make(chan struct{})
	go func() {
		close(closing)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	<-closing
	for range 1000 {
		runtime.Gosched() // gives Close the time to go wrong
	}
	select {
	case <-ended:
		t.Error("the handler's context has ended, and an event could still come")
	default:
	}
	close(tr.release)
	<-s.Done()
	if stats := s.Stats(); stats.Succeeded != 1 || stats.Abandoned != 1 || stats.Matched != 2 {
		t.Errorf("%+v, want 1 succeeded and 1 abandoned", stats)
	}
}
