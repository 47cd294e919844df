package lane

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// crowded returns a reader and a queue with room for two that are full, at an event each. A step lets an event of the one end.
func crowded(t *testing.T, c Config) (log *Log[event], q *Queue[event], r *Reader[event], m *Consumer[event], step [2]chan struct{}) {
	t.Helper()
	handler := func(i int) handlerFunc {
		step[i] = make(chan struct{})
		return func(event) Outcome {
			<-step[i]
			return Succeeded
		}
	}
	c = config(c)
	c.Capacity = 2
	log = NewLog[event](1, nil)
	r = newReader(log, c, handler(0))
	q, m = newQueue(c, plain(), handler(1))
	for _, l := range []lane{log, q} {
		publish(t, l, event{id: 1})
		synctest.Wait()
		publish(t, l, event{id: 2}, event{id: 3})
	}
	return log, q, r, m, step
}

// end ends both.
func end(r *Reader[event], m *Consumer[event], step [2]chan struct{}) {
	r.Close()
	m.Close()
	close(step[0])
	close(step[1])
	synctest.Wait()
}

// All who wait are woken by an event that a handler begins, and one of them has room then; and by the end of the queue.
func TestWaitForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, q, r, m, step := crowded(t, Config{})
		for i, l := range []lane{log, q} {
			first, second := wait(l, event{id: 4}, nil), wait(l, event{id: 5}, nil)
			if !pending(first) || !pending(second) {
				t.Error("no room, and no waiting")
			}
			for k := range 2 {
				step[i] <- struct{}{}
				synctest.Wait()
				if got := len(first) + len(second); got != k+1 {
					t.Errorf("%d publishes have ended after %d events", got, k+1)
				}
			}
		}
		for _, l := range []lane{log, q} {
			last := wait(l, event{id: 6}, nil)
			if l == log {
				r.Close()
			} else {
				m.Close()
			}
			if pending(last) {
				t.Error("waits for a queue that has ended")
			}
		}
		end(r, m, step)
	})
}

// When several events begin without anybody waiting, workers do not look up.
func TestNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _, r, m, step := crowded(t, Config{})
		done := wait(log, event{}, nil)
		if !r.alert.Load() {
			t.Error("somebody waits, and the worker is not asked")
		}
		step[0] <- struct{}{}
		synctest.Wait()
		<-done
		if r.alert.Load() || r.waiters != nil {
			t.Error("nobody waits, and the worker is asked")
		}
		end(r, m, step)
		if !r.alert.Load() || !m.gate.alert.Load() {
			t.Error("workers are not told of the end")
		}
	})
}

// Waiting ends with the context, without error when it is stopped, and for the subscription's reasons.
func TestWaitInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, q, r, m, step := crowded(t, Config{Name: "full"})
		for _, g := range []*Gate{&r.Gate, &q.Gate} {
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := (&Wait{}).For(ctx, g); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Minute {
				t.Error(err, time.Since(begin))
			}
			cancel()
			stop := make(chan struct{})
			close(stop)
			if err := (&Wait{Stop: stop}).For(t.Context(), g); err != nil {
				t.Error(err)
			}
			g.Timeout = time.Second
			w := &Wait{}
			begin = time.Now()
			err := w.For(t.Context(), g)
			var late *TimeoutError
			if !errors.As(err, &late) || late.Gate != g || late.Waited != time.Second || time.Since(begin) != time.Second || err.Error() != "no room in full for 1s" {
				t.Error(err, time.Since(begin))
			}
			if err := w.For(t.Context(), g); !errors.As(err, &late) || time.Since(begin) != time.Second {
				t.Error("the publish has waited for so long, and waits again")
			}
			g.Policy = Fail
			if err := (&Wait{}).For(t.Context(), g); !errors.As(err, &late) || late.Waited != 0 || err.Error() != "no room in full" {
				t.Error(err)
			}
			if time.Since(begin) != time.Second {
				t.Error("it has waited all the same")
			}
		}
		end(r, m, step)
	})
}

// A publish tells once that it is late, whatever queues it waits for, and goes on waiting.
func TestWaitLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, q, r, m, step := crowded(t, Config{})
		var at []time.Duration
		var who []*Gate
		begin := time.Now()
		w := &Wait{Patience: time.Second, Late: func(full *Gate, waited time.Duration) {
			if waited != time.Since(begin) {
				t.Errorf("it says %v", waited)
			}
			at, who = append(at, time.Since(begin)), append(who, full)
		}}
		waitFor := func(g *Gate, d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			if err := w.For(ctx, g); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		waitFor(&r.Gate, 700*time.Millisecond)
		waitFor(&q.Gate, 700*time.Millisecond)
		waitFor(&r.Gate, time.Hour)
		if len(at) != 1 || at[0] != time.Second || who[0] != &q.Gate {
			t.Errorf("late at %v with %v", at, who)
		}
		for _, patience := range []time.Duration{0, -1} {
			w = &Wait{Patience: patience, Late: func(*Gate, time.Duration) { t.Error("it is never late") }}
			waitFor(&r.Gate, time.Hour)
		}
		end(r, m, step)
	})
}

// A handler that was woken for room, and has not left the graph yet, makes no cycle; one that waits for a full queue does.
func TestCycleNeedsFullQueues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		graph := &Graph{}
		_, q, r, m, step := crowded(t, Config{Graph: graph})
		ofLog, ofQueue := &Caller{Gate: &r.Gate}, &Caller{Gate: &q.Gate}
		graph.enter(ofLog, &q.Gate)
		step[1] <- struct{}{} // now there is room in the queue
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := (&Wait{From: ofQueue}).For(ctx, &r.Gate); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("there is room: %v", err)
		}
		publish(t, q, event{id: 4})
		var cycle *CycleError
		if err := (&Wait{From: ofQueue}).For(t.Context(), &r.Gate); !errors.As(err, &cycle) {
			t.Errorf("both are full: %v", err)
		}
		graph.leave(ofLog, &q.Gate)
		if len(graph.waits) > 0 {
			t.Error("somebody has not left the graph")
		}
		end(r, m, step)
	})
}
