package memory_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
)

func TestTasksAndWhatBecameOfThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		from, to := newSource(), newSink()
		produce(t, all[0], from)
		work(t, all[1], to)
		from.told.want(t, "up memory #2")
		to.told.want(t, "up memory #1")
		w, p := <-from.workers, <-to.producers

		p.Credit("t", 3)
		p.Credit("", 1)
		from.told.want(t, "credit t 3", "credit  1")
		m := numbered("t", 1, "one", "")
		m.Owned = true
		give(t, w, m, 1)
		clear(m.Payload[0])
		plain := numbered("t", 2, "two")
		plain.Plain = true
		give(t, w, plain, 2)
		give(t, w, message("t", "three"), 3)
		to.told.want(t, "task t true one|", "task  false two", "task  false three")
		from.told.want(t, "written 3")
		p.Ack("t", 1, 1)
		p.Ack("t", 2, 1)
		p.Nack("t", 3, time.Second, "why")
		p.Nack("t", 4, -1, "")
		p.Credit("t", 0)
		from.told.want(t, "ack t 1+2", "nack t 3 1s why", "nack t 4 -1ns ", "credit t 0")
		if a, b := all[0].Stats(), all[1].Stats(); a != (transport.Stats{Sent: 3}) || b != (transport.Stats{Received: 3}) {
			t.Errorf("%+v, %+v", a, b)
		}
		if !all[0].Pushes() || !all[0].Pulls() || all[0].TaskLimit() != 64<<20 || all[0].FrameLimit() != 1022 {
			t.Error("the limits have changed")
		}
		var limit *memory.LimitError
		if _, err := w.Send(message("t")); !errors.As(err, &limit) {
			t.Errorf("%v", err)
		}
	})
}

// A quick worker says little, and nothing that means something else.
func TestWordsAreJoined(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		from, to := newSource(), newSink()
		work(t, all[1], to)
		p := <-to.producers
		p.Credit("t", 1) // nobody produces
		p.Credit("t", 2)
		p.Credit("u", math.MaxUint32)
		p.Credit("u", 5)
		p.Credit("v", 1)
		p.Credit("v", 0)
		p.Ack("t", 1, 1) // of nothing that anybody knows
		synctest.Wait()
		produce(t, all[0], from)
		from.told.mu.Lock()
		slices.Sort(from.told.lines)
		from.told.mu.Unlock()
		from.told.want(t, "credit t 3", fmt.Sprint("credit u ", uint32(math.MaxUint32)), "credit v 0", "up memory #2")
	})
}

func TestEarlyAndLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		producing, working := joinTo(t, network), joinTo(t, network)
		from, to := newSource(), newSink()
		release := produce(t, producing, from)
		var used *transport.InUseError
		if _, err := producing.Produce(newSource()); !errors.As(err, &used) || used.What != "Produce" {
			t.Errorf("%v", err)
		}
		give(t, <-from.workers, message("t", "before there is a sink"), 1)
		from.told.want(t, "up memory #2")
		leave := work(t, working, to)
		if _, err := working.Work(newSink()); !errors.As(err, &used) || used.What != "Work" {
			t.Errorf("%v", err)
		}
		to.told.want(t, "up memory #1", "task  false before there is a sink")
		from.told.want(t, "written 1")

		late := joinTo(t, network)
		from.told.want(t, "up memory #3")
		to.told.want(t, "up memory #3")
		_ = late.Close()
		from.told.want(t, "down memory #3 0 true")
		to.told.want(t, "down memory #3 true")

		release()
		release()
		(<-to.producers).Ack("t", 1, 1)
		from.told.want(t)
		again := newSource()
		produce(t, producing, again)
		again.told.want(t, "up memory #2")
		leave()
		leave()
		give(t, <-again.workers, message("t", "waits"), 2)
		to.told.want(t)
		next := newSink()
		work(t, working, next)
		next.told.want(t, "up memory #1", "task  false waits")
	})
}

// While a sink waits in Tasks nothing more is read from that producer, until there is no room.
func TestSinkHoldsBackOneProducer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 3, &memory.Options{HWM: 2})
		from, to, other := newSource(), newSink(), newSource()
		to.hold = make(chan struct{})
		produce(t, all[0], from)
		produce(t, all[1], other)
		work(t, all[2], to)
		(<-from.workers).Peer()
		w := <-from.workers
		if w.Peer().Address != "memory #3" {
			t.Fatal(w.Peer())
		}
		to.told.mu.Lock()
		to.told.lines = nil
		to.told.mu.Unlock()
		give(t, w, message("t", "1"), 1)
		synctest.Wait()
		give(t, w, message("t", "2"), 2)
		give(t, w, message("t", "3"), 3)
		if nth, err := w.Send(message("t", "4")); nth != 0 || err != transport.ErrFull {
			t.Errorf("task %d, %v", nth, err)
		}
		if n := w.Sent(); n != 1 {
			t.Errorf("%d written", n)
		}
		to.told.want(t, "task  false 1")
		to.hold <- struct{}{}
		to.told.want(t, "task  false 2", "task  false 3")
		from.told.want(t, "up memory #2", "up memory #3", "written 1", "written 3")
		give(t, w, message("t", "4"), 4)
		close(to.hold)
		to.told.want(t, "task  false 4")
	})
}

// Nothing runs when there is nothing to do: the bubble would not end, since nobody closes these transports.
func TestNothingRunsAtRest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		network := memory.NewNetwork(nil)
		here, there := network.Join(), network.Join()
		subscribe(t, there, "")
		publish(t, here, message("a", "x"))
		e := ask(t, here)
		e.send(t, message("call", "x"))
		reply(t, serve(t, there).one(t), "x")
		e.want(t, "x")
		from, to := newSource(), newSink()
		produce(t, here, from)
		work(t, there, to)
		give(t, <-from.workers, message("t", "x"), 1)
		from.told.want(t, "up memory #2", "written 1")
		(<-to.producers).Credit("t", 1)
		from.told.want(t, "credit t 1")
	})
}

// What peers announce while nobody produces is bounded.
func TestAnnouncedNames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := join(t, 2, nil)
		to := newSink()
		work(t, all[1], to)
		p := <-to.producers
		for i := range 4096 {
			p.Credit(fmt.Sprint(i), 1)
		}
		p.Credit("0", 1)
		to.told.want(t, "up memory #1")
		p.Credit("one too many", 1)
		to.told.want(t, "down memory #1 true")
		if s := all[0].Stats(); s.BadPeers != 1 {
			t.Errorf("%+v", s)
		}
		from := newSource()
		produce(t, all[0], from)
		from.told.want(t)
	})
}
