package transporttest_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
)

// noCall is what a check says that waits for a call of a source or a sink.
func noCall(name string) string { return "expected a call of " + name + ", which has not happened" }

// taskFaults are transports that break what holds for tasks.
func taskFaults() map[string]map[string]fault {
	return map[string]map[string]fault{
		"each transport pushes and pulls, within limits": {
			"does not push": each("but Pushes is false", func(f *fake) { f.pushes = func() bool { return false } }),
			"changes": each("but Pushes is false", func(f *fake) {
				calls := 0
				f.pushes = func() bool { calls++; return calls == 1 }
			}),
		},
		"a task arrives byte for byte": {
			"loses a part": each("to arrive as it was sent", giving(func(w *fakeWorker) {
				w.send = func(m *transport.Message) (uint64, error) {
					c := *m
					c.Payload = slices.Clone(m.Payload)
					c.Payload[0] = nil
					return w.TaskWorker.Send(&c)
				}
			})),
		},
		"Send of a worker copies what it needs": {
			"copies later": each("however the caller changes it after Send", giving(func(w *fakeWorker) {
				w.send = func(m *transport.Message) (uint64, error) {
					later(func() { _, _ = w.TaskWorker.Send(m) })
					return 1, nil
				}
			})),
		},
		"a task belongs to the sink": {
			"is in one buffer": each("to stay as it came", working(func(k *fakeSink) {
				var buffer []byte
				k.tasks = func(p transport.TaskProducer, tasks []transport.Message) int {
					for i := range tasks {
						buffer = append(buffer[:0], tasks[i].Payload[0]...)
						tasks[i].Payload[0] = buffer
					}
					return k.TaskSink.Tasks(p, tasks)
				}
			})),
		},
		"a plain task has no topic and no envelope": {
			"has them": each("its topic is", giving(func(w *fakeWorker) {
				w.send = func(m *transport.Message) (uint64, error) {
					c := *m
					c.Plain = false
					return w.TaskWorker.Send(&c)
				}
			})),
		},
		"what is wrong with a task is an error": {
			"says nothing": each("expected Send to say what is wrong", giving(func(w *fakeWorker) {
				w.send = func(m *transport.Message) (uint64, error) {
					nth, _ := w.TaskWorker.Send(m)
					return nth, nil
				}
			})),
		},
		"tasks wait for Work": {
			"are dropped": together(noCall("Tasks"), func() breaker {
				var works atomic.Bool
				return func(f *fake) {
					giving(func(w *fakeWorker) {
						w.send = func(m *transport.Message) (uint64, error) {
							if !works.Load() {
								return 1, nil
							}
							return w.TaskWorker.Send(m)
						}
					})(f)
					f.work = func(s transport.TaskSink) (func(), error) {
						works.Store(true)
						return f.sound.Work(s)
					}
				}
			}),
		},
		"there is one source and one sink": {
			"two sources": each("expected a second Produce to return an *InUseError", func(f *fake) {
				f.produce = func(s transport.TaskSource) (func(), error) {
					release, err := f.sound.Produce(s)
					if err != nil {
						err = errFault
					}
					return release, err
				}
			}),
			"two sinks": each("expected a second Work to return an *InUseError", func(f *fake) {
				f.work = func(s transport.TaskSink) (func(), error) {
					release, _ := f.sound.Work(s)
					return release, nil
				}
			}),
		},
		"after release another one is told": {
			"is refused": each("expected Produce to succeed", func(f *fake) {
				f.produce = func(s transport.TaskSource) (func(), error) {
					_, err := f.sound.Produce(s)
					return func() {}, err
				}
			}),
			"knows nobody": together(noCall("WorkerUp"), func() breaker {
				sources := 0
				return func(f *fake) {
					producing(func(s *fakeSource) {
						if sources++; sources > 1 {
							s.up = func(transport.TaskWorker) {}
						}
					})(f)
				}
			}),
		},
		"what was not taken is counted": {
			"is not": each("that the sink did not take to be counted", counting(func(s *transport.Stats) { s.Untaken = 0 })),
		},
		"Send of a worker never waits": {
			"waits": {"expected Send, to a worker that takes nothing, to return", func(t testing.TB) breaker {
				over := make(chan struct{})
				t.Cleanup(func() { close(over) })
				var sent atomic.Int32
				return giving(func(w *fakeWorker) {
					w.send = func(m *transport.Message) (uint64, error) {
						if sent.Add(1) > 100 {
							<-over
						}
						return w.TaskWorker.Send(m)
					}
				})
			}},
			"has no bound": each("expected Send to return ErrFull", giving(func(w *fakeWorker) {
				w.send = func(m *transport.Message) (uint64, error) {
					nth, _ := w.TaskWorker.Send(m)
					return nth, nil
				}
			})),
		},
		"Shutdown flushes tasks": {
			"loses the last": each("expected a call of Tasks, but ProducerDown came", giving(func(w *fakeWorker) {
				sent := uint64(0)
				w.send = func(m *transport.Message) (uint64, error) {
					if sent++; sent == 32 {
						return sent, nil
					}
					return w.TaskWorker.Send(m)
				}
			})),
		},
		"after the end tasks return net.ErrClosed": {
			"Produce": each("expected Produce to return an error that matches net.ErrClosed", func(f *fake) {
				f.produce = func(transport.TaskSource) (func(), error) { return func() {}, nil }
			}),
			"Work": each("expected Work to return an error that matches net.ErrClosed", func(f *fake) {
				f.work = func(transport.TaskSink) (func(), error) { return nil, errFault }
			}),
		},
		"tasks may be sent concurrently": {
			"one at a time": each("expected tasks at the same time to be taken", giving(func(w *fakeWorker) {
				var inside atomic.Int32
				w.send = func(m *transport.Message) (uint64, error) {
					defer inside.Add(-1)
					if inside.Add(1) > 1 {
						return 0, errFault
					}
					yield()
					return w.TaskWorker.Send(m)
				}
			})),
		},

		"workers and producers that come and go are told": {
			"do not go":   each(noCall("WorkerDown"), producing(func(s *fakeSource) { s.down = func(transport.TaskWorker, error) {} })),
			"do not come": each(noCall("WorkerUp"), producing(func(s *fakeSource) { s.up = func(transport.TaskWorker) {} })),
			"are others": each("expected a worker to be the same in each call", producing(func(s *fakeSource) {
				s.count = func(w transport.TaskWorker, task string, n uint32) {
					s.TaskSource.Credit(&fakeWorker{TaskWorker: w}, task, n)
				}
			})),
			"have sent nothing": each("expected Sent to be known", giving(func(w *fakeWorker) { w.sent = func() uint64 { return 0 } })),
		},
		"workers and producers of this module are not plain": {
			"are plain": each("not to be plain", giving(func(w *fakeWorker) {
				w.peer = func() transport.Peer { return transport.Peer{Plain: true} }
			})),
		},
		"credit reaches the source": {
			"is not taken back": each(noCall("Credit"), working(func(k *fakeSink) {
				k.credit = func(p transport.TaskProducer, task string, n uint32) {
					if n > 0 {
						p.Credit(task, n)
					}
				}
			})),
			"is too much": each("expected credit of 2 in all, but it is 4", working(func(k *fakeSink) {
				k.credit = func(p transport.TaskProducer, task string, n uint32) { p.Credit(task, 2*n) }
			})),
		},
		"credit that came early is told": {
			"is not": together(noCall("Credit"), func() breaker {
				var produces atomic.Bool
				return func(f *fake) {
					working(func(k *fakeSink) {
						k.credit = func(p transport.TaskProducer, task string, n uint32) {
							if produces.Load() {
								p.Credit(task, n)
							}
						}
					})(f)
					f.produce = func(s transport.TaskSource) (func(), error) {
						produces.Store(true)
						return f.sound.Produce(s)
					}
				}
			}),
			"is not taken back": each("but it is 10", working(func(k *fakeSink) {
				k.credit = func(p transport.TaskProducer, task string, n uint32) {
					if n > 0 {
						p.Credit(task, n)
					}
				}
			})),
		},
		"Sent counts what was written": {
			"counts nothing": each("expected Written to tell that Sent has grown", giving(func(w *fakeWorker) { w.sent = func() uint64 { return 0 } })),
			"numbers from 0": each("expected Send to return the number 1", giving(func(w *fakeWorker) {
				w.send = func(m *transport.Message) (uint64, error) {
					nth, err := w.TaskWorker.Send(m)
					return nth - 1, err
				}
			})),
		},
		"a task to a worker that is gone is ErrLost": {
			"says something else": each("expected Send to return ErrLost", giving(func(w *fakeWorker) {
				w.send = func(m *transport.Message) (uint64, error) {
					nth, err := w.TaskWorker.Send(m)
					if err != nil {
						err = errFault
					}
					return nth, err
				}
			})),
		},
		"a source may send when it is told": {
			"is refused": each("expected Send to succeed in a call of Credit", producing(func(s *fakeSource) {
				var telling atomic.Bool
				s.spoil = func(w *fakeWorker) {
					w.send = func(m *transport.Message) (uint64, error) {
						if telling.Load() {
							return 0, errFault
						}
						return w.TaskWorker.Send(m)
					}
				}
				s.count = func(w transport.TaskWorker, task string, n uint32) {
					telling.Store(true)
					defer telling.Store(false)
					s.TaskSource.Credit(w, task, n)
				}
			})),
			"waits for itself": {noCall("Credit"), func(t testing.TB) breaker {
				over := make(chan struct{})
				t.Cleanup(func() { close(over) })
				return giving(func(w *fakeWorker) {
					w.send = func(m *transport.Message) (uint64, error) {
						<-over
						return 1, nil
					}
				})
			}},
		},
		"a sink that waits holds back its producer alone": {
			"holds back all": each("expected the tasks of both producers", func(f *fake) {
				turn := make(chan struct{}, 1)
				working(func(k *fakeSink) {
					k.tasks = func(p transport.TaskProducer, tasks []transport.Message) int {
						turn <- struct{}{}
						defer func() { <-turn }()
						return k.TaskSink.Tasks(p, tasks)
					}
				})(f)
			}),
			"holds back none": each("expected the calls for one peer to come one at a time", working(func(k *fakeSink) {
				k.tasks = func(p transport.TaskProducer, tasks []transport.Message) int {
					for _, m := range tasks {
						go k.TaskSink.Tasks(p, []transport.Message{m})
					}
					return len(tasks)
				}
			})),
		},
		"who is rejected is a bad peer": {
			"is not counted": each("expected a peer that was rejected to be counted as a bad one", counting(func(s *transport.Stats) { s.BadPeers = 0 })),
			"is not told": telling("expected Events, with a peer that was rejected, to return", func(e transport.Event) (transport.Event, bool) {
				return e, !e.Bad
			}),
		},
		"nothing is told after release": {
			"a source is": each("expected a source to be told nothing after its release", func(f *fake) {
				var first transport.TaskSource
				f.produce = func(s transport.TaskSource) (func(), error) {
					if first == nil {
						first = s
					} else {
						first.Credit(nil, "task", 1)
					}
					return f.sound.Produce(s)
				}
			}),
			"a sink is": each("expected a sink to be told nothing after its release", func(f *fake) {
				var first transport.TaskSink
				f.work = func(s transport.TaskSink) (func(), error) {
					if first == nil {
						first = s
					} else {
						first.ProducerDown(nil, nil)
					}
					return f.sound.Work(s)
				}
			}),
			"goes on with the first": each("expected Produce to succeed", func(f *fake) {
				f.produce = func(s transport.TaskSource) (func(), error) {
					_, err := f.sound.Produce(s)
					return func() {}, err
				}
			}),
		},
		"Reject ends the connection": {"does nothing": each(noCall("WorkerDown"), giving(func(w *fakeWorker) { w.reject = func(error) {} }))},
	}
}
