package zmq

import (
	"testing"
	"testing/synctest"
)

// A message that waits for a sink does not keep the transport from ending, and is counted as untaken.
func TestTasksWithoutSinkDoNotHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := &Transport{}
		tr.tasks.init(&Options{}, &tr.counts)
		p := &taskProducer{puller: tr.tasks.pull}
		returned := make(chan struct{})
		go func() {
			p.Messages([][][]byte{{[]byte("x")}, {[]byte("y")}})
			close(returned)
		}()
		synctest.Wait()
		select {
		case <-returned:
			t.Fatal("nobody took them")
		default:
		}
		tr.tasks.release()
		<-returned
		if n := tr.counts.untaken.Load(); n != 2 {
			t.Errorf("%d untaken", n)
		}
	})
}
