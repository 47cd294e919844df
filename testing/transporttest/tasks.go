package transporttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/fanfare-go/fanfare/transport"
)

func taskChecks() []check {
	return []check{
		{"each transport pushes and pulls, within limits", "Pushes tells whether workers in other processes can connect, and Pulls whether producers can.", taskLimits},
		{"a task arrives byte for byte", "Tasks hands over tasks, which belong to the sink from then on", taskArrives},
		{"Send of a worker copies what it needs", "It copies what it needs, but for the payload of an owned message.", taskCopies},
		{"a task belongs to the sink", "Tasks hands over tasks, which belong to the sink from then on, but for the slice", taskStays},
		{"a plain task has no topic and no envelope", "a task of a plain peer has none, and no envelope.", plainTask},
		{"what is wrong with a task is an error", "the error is [ErrFull], [ErrLost], or what is wrong with m.", badTask},
		{"tasks wait for Work", "before, no task is read from them.", tasksWait},
		{"there is one source and one sink", "There is one source at a time: with another one the error is an [*InUseError].", oneSource},
		{"after release another one is told", "now and from now on, until release is called", released},
		{"what was not taken is counted", "the transport counts the others as untaken.", untakenTasks},
		{"Send of a worker never waits", "Send hands it a task, and never waits", giveNeverWaits},
		{"Shutdown flushes tasks", flushed, flushesTasks},
		{"after the end tasks return net.ErrClosed", "return an error that matches net.ErrClosed once the transport ends.", tasksAfterEnd},
		{"tasks may be sent concurrently", "All methods may be called concurrently, and return an error", concurrentTasks},
	}
}

func taskLimits(s *stage) {
	tr := s.tasker(s.open())
	for range 2 { // neither changes
		if !tr.Pushes() || !tr.Pulls() {
			s.failf("expected a transport of the network to push and to pull, but Pushes is %t and Pulls %t", tr.Pushes(), tr.Pulls())
		}
		s.open()
	}
	if tr.TaskLimit() < 1<<20 || tr.FrameLimit() < 1 {
		s.failf("expected a task to be allowed 1 MiB and a part, but TaskLimit is %d and FrameLimit %d", tr.TaskLimit(), tr.FrameLimit())
	}
}

func taskArrives(s *stage) {
	h := s.shop()
	for what, m := range map[string]*transport.Message{
		"a task":                numbered("task", 1<<40, "payload"),
		"a task of empty parts": message("task", "", "", ""),
		"a task of many parts":  message("task", strings.Split(strings.Repeat("x", min(s.tasker(h.producing).FrameLimit(), 5000)), "")...),
		"a large task":          message(strings.Repeat("t", 255), string(mebibyte()[:1<<20-1000])),
	} {
		s.give(h.worker, m)
		s.same(what, s.task(h.sink), m)
	}
}

func taskCopies(s *stage) {
	h := s.shop()
	for _, size := range []int{10, 20_000, 200_000} {
		for _, owned := range []bool{false, true} {
			m := message("task", "x", strings.Repeat("x", size))
			m.Envelope = padded(m.Envelope, size)
			want := clone(m)
			m.Owned = owned
			s.give(h.worker, m)
			scribble(m)
			s.same(fmt.Sprintf("a task with a part of %d bytes (Owned: %t), however the caller changes it after Send,", size, owned), s.task(h.sink), want)
		}
	}
}

func taskStays(s *stage) {
	h := s.shop()
	const n = 100
	var kept, wants []*transport.Message
	for i := range n {
		m := numbered("task", uint64(i), fmt.Sprint(i), strings.Repeat("x", i))
		wants = append(wants, m)
		s.give(h.worker, m)
		kept = append(kept, s.task(h.sink))
	}
	for i, want := range wants {
		if how := differs(kept[i], want); how != "" {
			s.failf("expected task %d to stay as it came, but once %d more have come, %s", i, n-1-i, how)
		}
	}
}

func plainTask(s *stage) {
	h := s.shop()
	m := message("task", "a")
	m.Plain = true
	s.give(h.worker, m)
	s.same("a plain task", s.task(h.sink), &transport.Message{Payload: [][]byte{[]byte("a")}})
}

func badTask(s *stage) {
	h := s.shop()
	tr := s.tasker(h.producing)
	bad := map[string]*transport.Message{}
	if limit := tr.TaskLimit(); limit <= 128<<20 { // of a larger one this is no test
		bad["more bytes than TaskLimit"] = &transport.Message{Topic: "task", Envelope: envelope(1), Payload: [][]byte{make([]byte, limit+1)}}
	}
	if limit := tr.FrameLimit(); limit <= 1<<16 {
		bad["more parts than FrameLimit"] = &transport.Message{Topic: "task", Envelope: envelope(1), Payload: make([][]byte, limit+1)}
	}
	for what, m := range bad {
		var err error
		s.call("Send", func() { _, err = h.worker.Send(m) })
		if err == nil || errors.Is(err, transport.ErrFull) || errors.Is(err, transport.ErrLost) {
			s.failf("expected Send to say what is wrong with a task that has %s, but it returned: %v", what, err)
		}
	}
	s.give(h.worker, message("task", "good"))
	s.same("a task", s.task(h.sink), message("task", "good"))
}

func tasksWait(s *stage) {
	producing, working := s.open(), s.open()
	r, k := newSource(), newSink()
	s.produce(producing, r)
	w := s.tells(r.mailbox, "WorkerUp").worker
	for i := range 10 {
		s.give(w, message("task", fmt.Sprint(i)))
	}
	s.work(working, k)
	s.tells(k.mailbox, "ProducerUp")
	seen := map[string]bool{}
	for range 10 {
		seen[string(s.task(k).Payload[0])] = true
	}
	if len(seen) != 10 {
		s.failf("expected 10 tasks that were sent before Work to arrive once each, but these did: %v", seen)
	}
}

func oneSource(s *stage) {
	h := s.shop()
	for name, do := range map[string]func() error{
		"Produce": func() error {
			_, err := s.tasker(h.producing).Produce(newSource())
			return err
		},
		"Work": func() error {
			_, err := s.tasker(h.working).Work(newSink())
			return err
		},
	} {
		var err error
		s.call(name, func() { err = do() })
		if used, ok := errors.AsType[*transport.InUseError](err); !ok || used.What == "" {
			s.failf("expected a second %s to return an *InUseError, but it returned: %v", name, err)
		}
	}
	s.give(h.worker, message("task", "x"))
	s.task(h.sink)
}

func released(s *stage) {
	producing, working := s.open(), s.open()
	first, second := newSource(), newSource()
	release := s.produce(producing, first)
	s.tells(first.mailbox, "WorkerUp")
	s.call("release of Produce", release)
	s.produce(producing, second)
	w := s.tells(second.mailbox, "WorkerUp").worker
	early, late := newSink(), newSink()
	release = s.work(working, early)
	s.tells(early.mailbox, "ProducerUp")
	s.call("release of Work", release)
	s.work(working, late)
	p := s.tells(late.mailbox, "ProducerUp").producer
	s.give(w, message("task", "x"))
	s.task(late)
	p.Credit("task", 1)
	s.tells(second.mailbox, "Credit")
	if t, any := first.take(); any {
		s.failf("expected a source not to be told of anything after release, but %v came", t)
	}
	if t, any := early.take(); any {
		s.failf("expected a sink not to be told of anything after release, but %v came", t)
	}
}

func untakenTasks(s *stage) {
	k := newSink()
	k.refuses = true
	h := s.shopOf(newSource(), k)
	const n = 5
	for range n {
		s.give(h.worker, message("task", "x"))
		s.task(k)
	}
	s.must("Close", h.working.Close) // after which all is counted
	if stats := h.working.Stats(); stats.Untaken != n {
		s.failf("expected %d tasks that the sink did not take to be counted as untaken, but Stats are %+v", n, stats)
	}
}

func giveNeverWaits(s *stage) {
	k := newSink()
	k.gate = make(chan struct{})
	release := sync.OnceFunc(func() { close(k.gate) })
	defer release()
	h := s.shopOf(newSource(), k)
	sent := s.fillWorker(h.worker)
	release()
	for range sent {
		s.task(k)
	}
	s.give(h.worker, message("task", "then"))
	s.same("a task", s.task(k), message("task", "then"))
	s.alone(&k.turns)
}

func flushesTasks(s *stage) {
	h := s.shop()
	for range window {
		s.give(h.worker, message("task", "x", strings.Repeat("x", bulk)))
	}
	s.shutdown(h.producing)
	for range window {
		s.task(h.sink)
	}
}

func tasksAfterEnd(s *stage) {
	for _, end := range s.ends() {
		tr := s.open()
		s.open()
		end(tr)
		s.refuses("Produce", func(context.Context) error {
			_, err := s.tasker(tr).Produce(newSource())
			return err
		})
		s.refuses("Work", func(context.Context) error {
			_, err := s.tasker(tr).Work(newSink())
			return err
		})
	}
}

func concurrentTasks(s *stage) {
	h := s.shop()
	const rounds, goroutines = 6, 4
	for range rounds {
		concurrentlyGiven(s, h, goroutines)
	}
}

// concurrentlyGiven has goroutines give together as many tasks as may wait, which arrive.
func concurrentlyGiven(s *stage, h shop, goroutines int) {
	failed := newMailbox[error]()
	s.call("many tasks at the same time", func() {
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				for i := range window / goroutines {
					if _, err := h.worker.Send(message("task", fmt.Sprint(g, i))); err != nil {
						failed.put(err)
					}
				}
			})
		}
		all.Wait()
	})
	if err, any := failed.take(); any {
		s.failf("expected tasks at the same time to be taken, but Send returned: %v", err)
	}
	seen := map[string]bool{}
	for range window {
		seen[string(s.task(h.sink).Payload[0])] = true
	}
	if len(seen) != window {
		s.failf("expected %d tasks to arrive once each, but only %d different ones did", window, len(seen))
	}
}
