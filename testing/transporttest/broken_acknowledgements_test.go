package transporttest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// acknowledgementFaults are transports that break what holds for acknowledgements, and for groups of workers.
func acknowledgementFaults() map[string]map[string]fault {
	return map[string]map[string]fault{
		"acknowledgements reach the producer": {
			"do not": each(noCall("Ack"), losingAck(1)),
			"are of others": each("expected each task to be acknowledged once, and no others", working(func(k *fakeSink) {
				k.ack = func(p transport.TaskProducer, task string, first uint64, count uint32) { p.Ack(task, first+1, count) }
			})),
			"are of another name": each("expected the acknowledgement of tasks", working(func(k *fakeSink) {
				k.ack = func(p transport.TaskProducer, _ string, first uint64, count uint32) { p.Ack("z", first, count) }
			})),
		},
		"no acknowledgement is lost among many": {"one is": each(noCall("Ack"), losingAck(1000))},
		"what was not done reaches the producer": {
			"without delay": each("expected Nack(", producing(func(s *fakeSource) {
				s.nack = func(w transport.TaskWorker, task string, seq uint64, _ time.Duration, reason string) {
					s.TaskSource.Nack(w, task, seq, 0, reason)
				}
			})),
			"without reason": each("expected Nack(", producing(func(s *fakeSource) {
				s.nack = func(w transport.TaskWorker, task string, seq uint64, delay time.Duration, _ string) {
					s.TaskSource.Nack(w, task, seq, delay, "")
				}
			})),
		},
		"what a worker tells never waits": {
			"waits": {"expected Ack, many times, to return", func(t testing.TB) breaker {
				over := make(chan struct{})
				t.Cleanup(func() { close(over) })
				return working(func(k *fakeSink) {
					told := 0
					k.ack = func(p transport.TaskProducer, task string, first uint64, count uint32) {
						if told++; told > 100 {
							<-over
						}
						p.Ack(task, first, count)
					}
				})
			}},
			"drops some": each(noCall("Ack"), losingAck(4000)),
		},
		"a producer hears of one worker one call at a time": {
			"several": each("expected the calls for one peer to come one at a time", producing(func(s *fakeSource) {
				s.nack = func(w transport.TaskWorker, task string, seq uint64, delay time.Duration, reason string) {
					go s.TaskSource.Nack(w, task, seq, delay, reason)
				}
			})),
		},
		"Shutdown flushes acknowledgements": {"loses the last": each("expected a call of Ack, but WorkerDown came", losingAck(100))},
		"the end of a worker comes after what it told": {
			"loses some": each("but only these calls did", losingAck(1)),
			"goes on": each("expected WorkerDown to be the last call", producing(func(s *fakeSource) {
				s.down = func(w transport.TaskWorker, err error) {
					s.TaskSource.WorkerDown(w, err)
					s.TaskSource.Credit(w, "a", 1)
				}
			})),
		},

		"a task goes to one worker": {
			"goes to all": each("to reach the worker that it was sent to alone", producing(func(s *fakeSource) {
				s.spoil = func(w *fakeWorker) {
					w.send = func(m *transport.Message) (uint64, error) {
						var errs []error
						for _, other := range s.workers() {
							_, err := other.TaskWorker.Send(m)
							errs = append(errs, err)
						}
						return 1, errors.Join(errs...)
					}
				}
			})),
		},
		"a worker answers for itself": {
			"for the first": each("expected credit of 2 from worker 1", producing(func(s *fakeSource) {
				var first transport.TaskWorker
				s.count = func(w transport.TaskWorker, task string, n uint32) {
					if first == nil {
						first = w
					}
					s.TaskSource.Credit(first, task, n)
				}
			})),
		},
		"the end of one worker leaves the others": {
			"is told of another": each("but it told of the other one", producing(func(s *fakeSource) {
				s.down = func(w transport.TaskWorker, err error) {
					for _, other := range s.workers() {
						if other != w {
							s.TaskSource.WorkerDown(other, err)
						}
					}
				}
			})),
		},
	}
}

// losingAck is the fault of not telling the nth acknowledgement.
func losingAck(nth int) breaker {
	return working(func(k *fakeSink) {
		told := 0
		k.ack = func(p transport.TaskProducer, task string, first uint64, count uint32) {
			if told++; told != nth {
				p.Ack(task, first, count)
			}
		}
	})
}
