package transporttest

import (
	"math"
	"sync"
	"time"
)

func acknowledgementChecks() []check {
	return []check{
		{"acknowledgements reach the producer", "Ack says that count tasks from first on are done", ackReaches},
		{"no acknowledgement is lost among many", "They may be told together with later ones.", acksGather},
		{"what was not done reaches the producer", "Nack says that a task is not done, and is to be given again after a delay, negative: never.", nackReaches},
		{"what a worker tells never waits", "It is comparable, and its methods never wait.", tellingNeverWaits},
		{"a producer hears of one worker one call at a time", "Of one worker the calls come one at a time, but Written, which comes from who writes.", callsComeOneByOne},
		{"Shutdown flushes acknowledgements", flushed, flushesAcks},
		{"the end of a worker comes after what it told", "It is the last call for w; what was written and what was not is known (Sent).", downIsLast},
	}
}

// acknowledged reads calls of Ack until all of the tasks are done. They may be told together.
func (s *stage) acknowledged(r *source, task string, wants ...uint64) {
	left := map[uint64]bool{}
	for _, seq := range wants {
		left[seq] = true
	}
	for len(left) > 0 {
		t := s.tells(r.mailbox, "Ack")
		if t.task != task || t.count == 0 || t.count > uint32(len(wants)) {
			s.failf("expected the acknowledgement of tasks %q, but %v came", task, t)
		}
		for i := range uint64(t.count) {
			if !left[t.first+i] {
				s.failf("expected each task to be acknowledged once, and no others, but %v came with task %d", t, t.first+i)
			}
			delete(left, t.first+i)
		}
	}
}

func ackReaches(s *stage) {
	h := s.shop()
	h.producer.Ack("a", 1, 1)
	s.acknowledged(h.source, "a", 1)
	h.producer.Ack("a", 5, 3)
	h.producer.Ack("a", 2, 1)
	h.producer.Ack("a", 3, 2)
	s.acknowledged(h.source, "a", 2, 3, 4, 5, 6, 7)
	h.producer.Ack("b", math.MaxUint64-2, 2)
	s.acknowledged(h.source, "b", math.MaxUint64-2, math.MaxUint64-1)
}

func acksGather(s *stage) {
	h := s.shop()
	const n = 2000
	var wants []uint64
	for i := range uint64(n) {
		wants = append(wants, 2*i+1, 2*i+2)
		h.producer.Ack("a", 2*i+2, 1) // in no order
		h.producer.Ack("a", 2*i+1, 1)
	}
	s.acknowledged(h.source, "a", wants...)
}

func nackReaches(s *stage) {
	h := s.shop()
	for _, want := range []told{
		{call: "Nack", task: "a", first: 1},
		{call: "Nack", task: "a", first: math.MaxUint64, delay: 1500 * time.Millisecond, reason: "it failed"},
		{call: "Nack", task: "b", first: 2, delay: -1, reason: "never again"},
		{call: "Nack", task: "b", first: 3, delay: time.Hour, reason: "später"},
	} {
		h.producer.Nack(want.task, want.first, want.delay, want.reason)
		got := s.tells(h.source.mailbox, "Nack")
		sameDelay := got.delay == want.delay || got.delay < 0 && want.delay < 0
		if got.task != want.task || got.first != want.first || !sameDelay || got.reason != want.reason {
			s.failf("expected %v, but %v came", want, got)
		}
	}
}

// More is told than any peer takes at once. The source is quick, as sources must be: how long one may keep a worker waiting is not said.
func tellingNeverWaits(s *stage) {
	h := s.shop()
	const n = 5000
	var wants []uint64
	s.call("Ack, many times,", func() {
		for i := range uint64(n) {
			wants = append(wants, 2*i+1)
			h.producer.Ack("a", 2*i+1, 1)
		}
	})
	s.acknowledged(h.source, "a", wants...)
}

func callsComeOneByOne(s *stage) {
	h := s.shop()
	const each = 200
	s.call("what a worker tells from several goroutines", func() {
		var all sync.WaitGroup
		all.Go(func() {
			for i := range uint64(each) {
				h.producer.Ack("a", 2*i+1, 1)
			}
		})
		all.Go(func() {
			for i := range uint64(each) {
				h.producer.Nack("a", 2*i+2, 0, "")
			}
		})
		all.Go(func() {
			for range each {
				h.producer.Credit("a", 1)
			}
		})
		all.Wait()
	})
	acks, nacks, credit := 0, 0, 0
	for acks+nacks+credit < 3*each {
		switch t := next(s, h.source.mailbox, "all that the worker told to reach the producer"); t.call {
		case "Ack":
			acks += int(t.count)
		case "Nack":
			nacks++
		case "Credit":
			credit += int(t.count)
		default:
			s.failf("expected acknowledgements and credit, but %v came", t)
		}
	}
	if acks != each || nacks != each || credit != each {
		s.failf("expected %d acknowledged, %d not done and credit of %d, but it is %d, %d and %d", each, each, each, acks, nacks, credit)
	}
	s.alone(&h.source.turns)
}

// The last acknowledgements come while those before are being sent, which a driver may gather.
func flushesAcks(s *stage) {
	producing, r := s.open(), newSource()
	s.produce(producing, r)
	for range 20 {
		working, k := s.open(), newSink()
		s.work(working, k)
		s.tells(r.mailbox, "WorkerUp")
		p := s.tells(k.mailbox, "ProducerUp").producer
		var wants []uint64
		for i := range uint64(100) {
			wants = append(wants, 2*i+1)
			p.Ack("a", 2*i+1, 1)
		}
		s.shutdown(working)
		s.acknowledged(r, "a", wants...)
		s.tells(r.mailbox, "WorkerDown")
	}
}

func downIsLast(s *stage) {
	h := s.shop()
	h.producer.Ack("a", 1, 1)
	h.producer.Nack("a", 2, 0, "no")
	h.producer.Credit("a", 1)
	s.shutdown(h.working)
	calls := map[string]int{}
	for calls["WorkerDown"] == 0 {
		calls[next(s, h.source.mailbox, "WorkerDown, as the worker has ended").call]++
	}
	s.must("Close", h.producing.Close) // after which nothing is told any more
	if t, any := h.source.take(); any {
		s.failf("expected WorkerDown to be the last call for a worker, but %v came after it", t)
	}
	if calls["Ack"] != 1 || calls["Nack"] != 1 {
		s.failf("expected what a worker told before its end to come before WorkerDown, but only these calls did: %v", calls)
	}
}
