package memory_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

func TestUntakenTasks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		from, to := newSource(), newSink()
		to.takes = 0
		produce(t, all[0], from)
		w := <-from.workers
		give(t, w, message("t", "1"), 1)
		give(t, w, message("t", "2"), 2)
		work(t, all[1], to)
		synctest.Wait()
		if s := all[1].Stats(); s != (transport.Stats{Untaken: 2}) {
			t.Errorf("%+v", s)
		}
	})
}

// A worker that ends has not got what was not written, and says before what it has said.
func TestWorkerEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		from, to := newSource(), newSink()
		to.hold = make(chan struct{})
		produce(t, all[0], from)
		work(t, all[1], to)
		w, p := <-from.workers, <-to.producers
		give(t, w, message("t", "1"), 1)
		synctest.Wait()
		give(t, w, message("t", "2"), 2)
		p.Credit("t", 1)
		p.Ack("t", 1, 1)
		closed := make(chan error)
		go func() { closed <- all[1].Close() }()
		from.told.want(t, "up memory #2", "written 1", "credit t 1", "ack t 1+1", "down memory #2 1 true")
		if _, err := w.Send(message("t", "3")); err != transport.ErrLost {
			t.Errorf("%v", err)
		}
		select {
		case <-closed:
			t.Error("Close does not wait for the sink")
		default:
		}
		close(to.hold)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		to.told.want(t, "up memory #1", "task  false 1", "down memory #1 true")
		p.Ack("t", 2, 1)
		from.told.want(t)
		if s := all[0].Stats(); s != (transport.Stats{Sent: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

// What a producer has given is still handed on when it ends.
func TestProducerEnds(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprintf("worker there %t", early), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				all := join(t, 2, nil)
				from, to := newSource(), newSink()
				produce(t, all[0], from)
				if early {
					to.hold = make(chan struct{})
					work(t, all[1], to)
				}
				w := <-from.workers
				for i := range 3 {
					give(t, w, message("t", fmt.Sprint(i)), uint64(i+1))
					synctest.Wait()
				}
				if err := all[0].Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if early {
					close(to.hold)
				} else {
					work(t, all[1], to)
				}
				to.told.want(t, "up memory #1", "task  false 0", "task  false 1", "task  false 2", "down memory #1 true")
				if early {
					from.told.want(t, "up memory #2", "written 1", "down memory #2 1 true")
				} else {
					from.told.want(t, "up memory #2", "down memory #2 0 true")
				}
				for call, err := range map[string]error{
					"Produce": second(all[0].Produce(from)),
					"Work":    second(all[0].Work(to)),
					"Send":    second(w.Send(message("t", "x"))),
				} {
					if err != memory.ErrClosed {
						t.Errorf("%s: %v", call, err)
					}
				}
			})
		})
	}
}

// Everything ends at any moment, and what was written and what was not adds up.
func TestTasksWhileAllCloses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for range 100 {
			all := join(t, 2, nil)
			from, to := newSource(), newSink()
			produce(t, all[0], from)
			work(t, all[1], to)
			w, p := <-from.workers, <-to.producers
			var users sync.WaitGroup
			users.Go(func() {
				for i := range 100 {
					if _, err := w.Send(message("t", "x")); err != nil {
						return
					}
					p.Ack("t", uint64(i+1), 1)
				}
			})
			users.Go(func() { _ = all[1].Close() })
			users.Wait()
			a, b := all[0].Stats(), all[1].Stats()
			if a.Sent != b.Received+b.Untaken || a.Sent != w.Sent() {
				t.Errorf("%d sent, %d of them written, %d received, %d untaken", a.Sent, w.Sent(), b.Received, b.Untaken)
			}
			_ = all[0].Close()
		}
	})
}
