package memory_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

func second[T any](_ T, err error) error { return err }

// Rejecting ends the way of tasks in that direction, and nothing else.
func TestReject(t *testing.T) {
	for name, tc := range map[string]struct {
		reject   func(w transport.TaskWorker, p transport.TaskProducer)
		rejecter int
		role     string
	}{
		"worker":      {func(w transport.TaskWorker, _ transport.TaskProducer) { w.Reject(errors.New("it lies")) }, 0, "worker"},
		"producer":    {func(_ transport.TaskWorker, p transport.TaskProducer) { p.Reject(errors.New("it lies")) }, 1, "producer"},
		"in a call":   {func(_ transport.TaskWorker, p transport.TaskProducer) { p.Credit("bad", 1) }, 0, "worker"},
		"no task":     {func(_ transport.TaskWorker, p transport.TaskProducer) { p.Ack("t", 0, 1) }, 0, "worker"},
		"no number":   {func(_ transport.TaskWorker, p transport.TaskProducer) { p.Ack("t", 1, 0) }, 0, "worker"},
		"no sequence": {func(_ transport.TaskWorker, p transport.TaskProducer) { p.Ack("t", math.MaxUint64, 1) }, 0, "worker"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				all := join(t, 2, nil)
				from, to := newSource(), newSink()
				from.reject = "bad"
				produce(t, all[0], from)
				work(t, all[1], to)
				w, p := <-from.workers, <-to.producers
				subscribe(t, all[1], "")
				for _, tr := range all {
					<-tr.Events()
				}
				tc.reject(w, p)
				tc.reject(w, p)
				synctest.Wait()
				if _, err := w.Send(message("t", "x")); err != transport.ErrLost {
					t.Errorf("%v", err)
				}
				if e := <-all[tc.rejecter].Events(); e.Up || !e.Bad || e.Err == nil || e.Peer.Role != tc.role {
					t.Errorf("%+v", e)
				}
				for i, tr := range all {
					if s := tr.Stats(); s.BadPeers != uint64(1-(i+tc.rejecter)%2) || len(tr.Events()) != 0 {
						t.Errorf("transport %d: %+v, %d events", i, s, len(tr.Events()))
					}
				}
				to.told.want(t, "up memory #1", "down memory #1 true")
				from.told.mu.Lock()
				if last := from.told.lines[len(from.told.lines)-1]; last != "down memory #2 0 true" {
					t.Errorf("the source was told %q", from.told.lines)
				}
				from.told.mu.Unlock()
				publish(t, all[0], message("a", "all well"))
				if got := received(t, all[1]); !slices.Equal(got, []string{"a all well"}) {
					t.Errorf("got %q", got)
				}
				produce(t, all[1], newSource())
				back := newSink()
				work(t, all[0], back)
				back.told.want(t, "up memory #2")
			})
		})
	}
}

// A producer that is rejected in its first call, by a sink that is there before and by one that comes later, and is released meanwhile.
func TestRejectOnArrival(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		working, _ := joinTo(t, network), joinTo(t, network)
		to := newSink()
		to.refuses = true
		release := work(t, working, to)
		to.told.want(t, "up memory #2", "down memory #2 true")
		joinTo(t, network)
		to.told.want(t, "up memory #3", "down memory #3 true")
		release()
		(<-to.producers).Reject(errors.New("again"))
		next := newSink()
		work(t, working, next)
		next.told.want(t)
		if s := working.Stats(); s.BadPeers != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// Tasks that wait when their way ends were not sent.
func TestRejectDropsWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		from, to := newSource(), newSink()
		to.hold = make(chan struct{})
		produce(t, all[0], from)
		work(t, all[1], to)
		w, p := <-from.workers, <-to.producers
		for i := range 3 {
			give(t, w, message("t", fmt.Sprint(i)), uint64(i+1))
			synctest.Wait()
		}
		p.Reject(errors.New("enough"))
		from.told.want(t, "up memory #2", "written 1", "down memory #2 1 true")
		close(to.hold)
		to.told.want(t, "up memory #1", "task  false 0", "down memory #1 true")
		if a, b := all[0].Stats(), all[1].Stats(); a.Sent != 1 || b.Received != 1 {
			t.Errorf("%+v, %+v", a, b)
		}
	})
}
