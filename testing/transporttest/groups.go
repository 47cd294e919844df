package transporttest

import (
	"fmt"

	"github.com/fanfare-go/fanfare/transport"
)

func groupChecks() []check {
	return []check{
		{"a task goes to one worker", "each to one of them, and tells what became of them.", taskGoesToOne},
		{"a worker answers for itself", "Ack says that count tasks from first on are done", workersAnswerAlone},
		{"the end of one worker leaves the others", "WorkerDown says that the process is gone.", otherWorkersStay},
	}
}

// crew is a producer with two workers.
type crew struct {
	source  *source
	working [2]transport.Transport
	sinks   [2]*sink
	workers [2]transport.TaskWorker // as the source sees them
}

func (s *stage) crew() crew {
	producing := s.open()
	c := crew{source: newSource()}
	s.produce(producing, c.source)
	for i := range c.working {
		c.working[i], c.sinks[i] = s.open(), newSink()
		s.work(c.working[i], c.sinks[i])
		c.workers[i] = s.tells(c.source.mailbox, "WorkerUp").worker // the one that has just come
	}
	return c
}

// producer gives a task to a worker, whose producer is then known: a worker may have others.
func (s *stage) producer(c crew, i int) transport.TaskProducer {
	s.give(c.workers[i], message("task", fmt.Sprint(i)))
	for {
		t := next(s, c.sinks[i].mailbox, "a task at the worker that it was sent to")
		if t.call == "Tasks" {
			if string(t.message.Payload[0]) != fmt.Sprint(i) {
				s.failf("expected a task to reach the worker that it was sent to alone, but worker %d got %v", i, t)
			}
			return t.producer
		}
	}
}

func taskGoesToOne(s *stage) {
	c := s.crew()
	for range 3 {
		for i := range c.workers {
			s.producer(c, i)
		}
	}
}

func workersAnswerAlone(s *stage) {
	c := s.crew()
	for i := range c.workers {
		p := s.producer(c, i)
		p.Credit("task", uint32(i+1))
		if t := s.tells(c.source.mailbox, "Credit"); t.worker != c.workers[i] || t.count != uint32(i+1) {
			s.failf("expected credit of %d from worker %d, but %v came of %v", i+1, i, t, t.worker)
		}
	}
}

func otherWorkersStay(s *stage) {
	c := s.crew()
	s.must("Close", c.working[0].Close)
	if t := s.tells(c.source.mailbox, "WorkerDown"); t.worker != c.workers[0] {
		s.failf("expected WorkerDown of the worker that has ended, but it told of the other one")
	}
	s.producer(c, 1)
}
