package transporttest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

func workerChecks() []check {
	return []check{
		{"workers and producers that come and go are told", "Produce tells s of the workers that are connected, now and from now on, until release is called", workersComeAndGo},
		{"workers and producers of this module are not plain", "Plain ones send no credit, and no word of what became of a task.", workersAreOurs},
		{"credit reaches the source", "Credit lets the source give that process n more tasks of that name; 0 takes back what is left of it.", creditReaches},
		{"credit that came early is told", "credit that came while nobody produced is told then.", earlyCredit},
		{"Sent counts what was written", "the task was written when Sent has reached that.", sentCounts},
		{"a task to a worker that is gone is ErrLost", "the error is [ErrFull], [ErrLost], or what is wrong with m.", workerGone},
		{"a source may send when it is told", "They must be quick, and may call the methods of the worker.", sourceSends},
		{"a sink that waits holds back its producer alone", "while it waits, nothing more is read from that.", sinkWaits},
		{"Reject ends the connection", "Reject ends the connection", rejectEnds},
		{"who is rejected is a bad peer", "BadPeers counts connections that ended because the peer broke the protocol.", rejectedIsBad},
		{"nothing is told after release", "now and from now on, until release is called", releasedHearsNothing},
	}
}

func workersComeAndGo(s *stage) {
	producing := s.open()
	r := newSource()
	s.produce(producing, r)
	for range 2 {
		working := s.open()
		k := newSink()
		s.work(working, k)
		up := s.tells(r.mailbox, "WorkerUp")
		p := s.tells(k.mailbox, "ProducerUp").producer
		p.Credit("task", 1)
		if t := s.tells(r.mailbox, "Credit"); t.worker != up.worker {
			s.failf("expected a worker to be the same in each call, but WorkerUp told of %v and Credit of %v", up.worker, t.worker)
		}
		s.give(up.worker, message("task", "x"))
		if t := s.tells(k.mailbox, "Tasks"); t.producer != p {
			s.failf("expected a producer to be the same in each call, but ProducerUp told of %v and Tasks of %v", p, t.producer)
		}
		s.must("Close", working.Close)
		if t := s.tells(r.mailbox, "WorkerDown"); t.worker != up.worker {
			s.failf("expected WorkerDown of the worker that is gone, %v, but it told of %v", up.worker, t.worker)
		}
		if sent := up.worker.Sent(); sent != 1 {
			s.failf("expected Sent to be known when the worker is gone, which is 1, but it is %d", sent)
		}
	}
	working, k := s.open(), newSink()
	s.work(working, k)
	s.tells(k.mailbox, "ProducerUp")
	s.must("Close", producing.Close)
	s.tells(k.mailbox, "ProducerDown")
	s.must("Close", working.Close) // after which nothing is told any more
	if t, any := k.take(); any {
		s.failf("expected ProducerDown to be the last call for a producer, but %v came after it", t)
	}
}

func workersAreOurs(s *stage) {
	h := s.shop()
	if h.worker.Peer().Plain || h.producer.Peer().Plain {
		s.failf("expected peers of the same kind not to be plain, but they are %+v and %+v", h.worker.Peer(), h.producer.Peer())
	}
}

// credit reads calls of Credit until there is as much as wanted. It may be told together.
func (s *stage) credit(r *source, task string, want uint32) {
	got := uint32(0)
	for got < want {
		t := s.tells(r.mailbox, "Credit")
		switch {
		case t.task != task:
			s.failf("expected credit for the task %q, but %v came", task, t)
		case t.count == 0:
			got = 0
		default:
			got += t.count
		}
	}
	if got != want {
		s.failf("expected credit of %d in all, but it is %d", want, got)
	}
}

func creditReaches(s *stage) {
	h := s.shop()
	h.producer.Credit("a", 2)
	s.credit(h.source, "a", 2)
	h.producer.Credit("a", 0)
	if t := s.tells(h.source.mailbox, "Credit"); t.task != "a" || t.count != 0 {
		s.failf("expected Credit(%q, 0), but %v came", "a", t)
	}
	const n = 100
	for range n {
		h.producer.Credit("b", 3)
	}
	s.credit(h.source, "b", 3*n)
	s.alone(&h.source.turns)
}

func earlyCredit(s *stage) {
	producing, working := s.open(), s.open()
	k, r := newSink(), newSource()
	s.work(working, k)
	p := s.tells(k.mailbox, "ProducerUp").producer
	p.Credit("a", 5)
	p.Credit("a", 0)
	p.Credit("a", 2)
	p.Credit("a", 3)
	s.subscribe(producing, 1, "t")
	s.publish(working, message("t", "credit was given")) // it may overtake the credit, but seldom does: then there is less to check
	s.receive(producing, 1)
	s.produce(producing, r)
	s.tells(r.mailbox, "WorkerUp")
	s.credit(r, "a", 5) // the first five may still come, and be taken back
	p.Credit("end", 1)
	for got := uint32(5); ; {
		t := s.tells(r.mailbox, "Credit")
		if t.task == "end" {
			if got != 5 {
				s.failf("expected credit of 5 in the end, but it is %d", got)
			}
			return
		}
		if got += t.count; t.count == 0 {
			got = 0
		}
	}
}

func sentCounts(s *stage) {
	h := s.shop()
	for i := range uint64(5) {
		nth := s.give(h.worker, message("task", "x"))
		if nth != i+1 {
			s.failf("expected Send to return the number %d, but it returned %d", i+1, nth)
		}
		for h.worker.Sent() < nth {
			next(s, h.source.written, "Written to tell that Sent has grown, as a task was sent")
		}
		if sent := h.worker.Sent(); sent != nth {
			s.failf("expected Sent to be %d, but it is %d", nth, sent)
		}
		s.task(h.sink)
	}
}

func workerGone(s *stage) {
	h := s.shop()
	s.must("Close", h.working.Close)
	s.tells(h.source.mailbox, "WorkerDown")
	var err error
	s.call("Send", func() { _, err = h.worker.Send(message("task", "x")) })
	if !errors.Is(err, transport.ErrLost) {
		s.failf("expected Send to return ErrLost when the worker is gone, but it returned: %v", err)
	}
}

func sourceSends(s *stage) {
	r := newSource()
	failed := newMailbox[error]()
	r.react = func(t told) {
		if t.call != "Credit" {
			return
		}
		if _, err := t.worker.Send(message("task", fmt.Sprint(t.worker.Sent(), t.worker.Peer().Plain))); err != nil {
			failed.put(err)
		}
	}
	h := s.shopOf(r, newSink())
	for range 3 {
		h.producer.Credit("task", 1)
		s.tells(r.mailbox, "Credit")
		if err, any := failed.take(); any {
			s.failf("expected Send to succeed in a call of Credit, but it returned: %v", err)
		}
		s.task(h.sink)
	}
}

// While the sink waits with the tasks of one producer, those of another one come.
func sinkWaits(s *stage) {
	k := newSink()
	k.gate = make(chan struct{})
	release := sync.OnceFunc(func() { close(k.gate) })
	defer release()
	h := s.shopOf(newSource(), k)
	const n = 20
	for range n {
		s.give(h.worker, message("task", "slow"))
	}
	s.task(k)
	quick, r := s.open(), newSource()
	s.produce(quick, r)
	var w transport.TaskWorker
	for range 2 { // the transport of the other producer has workers as well, for whom nobody works
		w = s.tells(r.mailbox, "WorkerUp").worker
		s.give(w, message("task", "quick"))
	}
	slow := 1
	for quick := false; !quick || slow < n; {
		t := next(s, k.mailbox, "the tasks of both producers, the one that is waited with last")
		switch {
		case t.call != "Tasks":
		case string(t.message.Payload[0]) == "slow":
			slow++
		default:
			quick = true
			release()
		}
	}
	s.alone(&k.turns)
}

func rejectEnds(s *stage) {
	reason := errors.New("the check rejects the peer")
	h := s.shop()
	s.call("Reject of a worker", func() { h.worker.Reject(reason) })
	if t := s.tells(h.source.mailbox, "WorkerDown"); t.worker != h.worker {
		s.failf("expected WorkerDown of the worker that was rejected, but it told of %v", t.worker)
	}
	s.tells(h.sink.mailbox, "ProducerDown")
	s.must("Close", h.working.Close) // a driver may have connected them again
	s.must("Close", h.producing.Close)
	h = s.shop()
	s.call("Reject of a producer", func() { h.producer.Reject(reason) })
	if t := s.tells(h.sink.mailbox, "ProducerDown"); t.producer != h.producer {
		s.failf("expected ProducerDown of the producer that was rejected, but it told of %v", t.producer)
	}
	s.tells(h.source.mailbox, "WorkerDown")
}

func rejectedIsBad(s *stage) {
	reason := errors.New("the check rejects the peer")
	for _, producer := range []bool{false, true} {
		h := s.shop()
		rejecting, reject := h.producing, h.worker.Reject
		if producer {
			rejecting, reject = h.working, h.producer.Reject
		}
		s.call("Reject", func() { reject(reason) })
		s.tells(h.source.mailbox, "WorkerDown")
		s.tells(h.sink.mailbox, "ProducerDown")
		told := false
		for !told {
			e, more := s.event(rejecting, "Events, with a peer that was rejected,")
			if !more {
				s.failf("expected Events to tell of a peer that was rejected, but the channel was closed")
			}
			told = e.Bad
		}
		if stats := rejecting.Stats(); stats.BadPeers != 1 {
			s.failf("expected a peer that was rejected to be counted as a bad one, but Stats are %+v", stats)
		}
		s.must("Close", h.working.Close)
		s.must("Close", h.producing.Close)
	}
}

func releasedHearsNothing(s *stage) {
	producing, working := s.open(), s.open()
	source, sink := newSource(), newSink()
	releaseSource, releaseSink := s.produce(producing, source), s.work(working, sink)
	s.tells(source.mailbox, "WorkerUp")
	s.tells(sink.mailbox, "ProducerUp")
	s.call("release of a source", releaseSource)
	s.call("release of a sink", releaseSink)
	nextSource, nextSink := newSource(), newSink()
	s.produce(producing, nextSource)
	s.work(working, nextSink)
	worker := s.tells(nextSource.mailbox, "WorkerUp").worker
	producer := s.tells(nextSink.mailbox, "ProducerUp").producer
	producer.Credit("task", 1)
	s.tells(nextSource.mailbox, "Credit")
	s.give(worker, message("task", "x"))
	s.task(nextSink)
	s.must("Close", working.Close)
	s.must("Close", producing.Close)
	for what, m := range map[string]*mailbox[told]{"source": source.mailbox, "sink": sink.mailbox} {
		if t, any := m.take(); any {
			s.failf("expected a %s to be told nothing after its release, but %v came", what, t)
		}
	}
}
