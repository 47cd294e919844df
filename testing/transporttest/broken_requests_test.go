package transporttest_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

const (
	noRequest = "expected a request to arrive at the server, which has not happened"
	noAnswer  = "expected woken to get a token"
	unasked   = "expected the second attempt to go to the server that was not asked"
)

// requestFaults are transports that break what holds for requests.
func requestFaults() map[string]map[string]fault {
	return map[string]map[string]fault{
		"a request arrives byte for byte": {
			"loses empty parts": each("its payload has", asking(func(e *fakeExchange) {
				e.send = func(m *transport.Message) error {
					c := *m
					c.Payload = slices.DeleteFunc(slices.Clone(m.Payload), func(part []byte) bool { return len(part) == 0 })
					if len(c.Payload) == 0 {
						c.Payload = [][]byte{{}}
					}
					return e.Exchange.Send(&c)
				}
			})),
			"came long ago": each("expected Arrived", serving(func(r *fakeRequest) { r.arrived = func() time.Time { return time.Time{} } })),
			"is of a plain client": each("not to be plain", serving(func(r *fakeRequest) {
				r.client = func() transport.Peer { return transport.Peer{Plain: true} }
			})),
		},
		"Send copies what it needs": {
			"copies later": each("however the caller changes it after Send", asking(func(e *fakeExchange) {
				e.send = func(m *transport.Message) error {
					later(func() { _ = e.Exchange.Send(m) })
					return nil
				}
			})),
		},
		"a plain request has no topic and no envelope": {
			"has them": each("its topic is", asking(func(e *fakeExchange) {
				e.send = func(m *transport.Message) error {
					c := *m
					c.Plain = false
					return e.Exchange.Send(&c)
				}
			})),
		},
		"the number of a request is never used again": {
			"is always the same": each("expected a number from 1", asking(func(e *fakeExchange) { e.id = func() uint64 { return 1 } })),
			"begins at 2":        each("expected the first number to be 1", asking(func(e *fakeExchange) { e.id = func() uint64 { return e.Exchange.ID() + 1 } })),
		},
		"without a server Send returns ErrNoPeer": {
			"is full": each("expected Send to return ErrNoPeer", asking(func(e *fakeExchange) { e.send = func(*transport.Message) error { return transport.ErrFull } })),
			"has one": each("but Servers tells 1", func(f *fake) { f.servers = func() int { return 1 } }),
			"may ask": each("and Unasked 1", asking(func(e *fakeExchange) { e.unasked = func() int { return 1 } })),
		},
		"what is wrong with a request is an error": {
			"says nothing": each("expected Send to say what is wrong", asking(func(e *fakeExchange) {
				e.send = func(m *transport.Message) error {
					_ = e.Exchange.Send(m)
					return nil
				}
			})),
			"loses the next": each("expected Send to succeed", asking(func(e *fakeExchange) { e.send = func(*transport.Message) error { return errFault } })),
		},
		"requests wait for Serve": {
			"are dropped": together(noRequest, func() breaker {
				served := false
				return func(f *fake) {
					asking(func(e *fakeExchange) {
						e.send = func(m *transport.Message) error {
							if !served {
								return nil
							}
							return e.Exchange.Send(m)
						}
					})(f)
					f.serve = func(s transport.Server) error {
						served = true
						return f.sound.Serve(s)
					}
				}
			}),
		},
		"there is one server": {
			"there are two": each("expected a second Serve to return an *InUseError", func(f *fake) {
				f.serve = func(s transport.Server) error {
					_ = f.sound.Serve(s)
					return nil
				}
			}),
		},
		"a server that waits holds back its client alone": {
			"holds back all": each(noRequest, func(f *fake) {
				turn := make(chan struct{}, 1)
				f.serve = func(s transport.Server) error {
					return f.sound.Serve(serverFunc(func(r transport.Request) {
						turn <- struct{}{}
						s.Request(r)
						<-turn
					}))
				}
			}),
			"holds back none": each("expected the ", func(f *fake) { // calls for one peer to come one at a time, or request of the other client
				f.serve = func(s transport.Server) error {
					return f.sound.Serve(serverFunc(func(r transport.Request) { go s.Request(r) }))
				}
			}),
		},
		"Send never waits": {
			"waits": {"expected Send, to a server that takes nothing, to return", func(t testing.TB) breaker {
				over := make(chan struct{})
				t.Cleanup(func() { close(over) })
				var sent atomic.Int32
				return asking(func(e *fakeExchange) {
					e.send = func(m *transport.Message) error {
						if sent.Add(1) > 100 {
							<-over
						}
						return e.Exchange.Send(m)
					}
				})
			}},
			"has no bound": each("expected Send to return ErrFull", asking(func(e *fakeExchange) {
				e.send = func(m *transport.Message) error {
					_ = e.Exchange.Send(m)
					return nil
				}
			})),
		},
		"Changed tells of room":              {"does not": each("expected Changed to tell of ", neverChanging)},
		"Servers counts the connected peers": {"counts itself": each("that Servers is 2", func(f *fake) { f.servers = func() int { return f.sound.Servers() + 1 } })},
		"after the end requests return net.ErrClosed": {
			"Exchange": each("expected Exchange to return an error that matches net.ErrClosed", func(f *fake) {
				f.exchange = func(woken chan<- struct{}) (transport.Exchange, error) {
					e, err := f.sound.Exchange(woken)
					if err != nil {
						err = errFault
					}
					return e, err
				}
			}),
			"Send": each("expected Send to return an error that matches net.ErrClosed", asking(func(e *fakeExchange) {
				e.send = func(*transport.Message) error { return transport.ErrNoPeer }
			})),
			"Serve":   each("expected Serve to return an error that matches net.ErrClosed", func(f *fake) { f.serve = func(transport.Server) error { return nil } }),
			"Servers": each("but Servers tells 1", func(f *fake) { f.servers = func() int { return 1 } }),
		},
		"requests may be made concurrently": {
			"one at a time": each("expected requests at the same time to be answered", func(f *fake) {
				var inside atomic.Int32
				f.exchange = func(woken chan<- struct{}) (transport.Exchange, error) {
					defer inside.Add(-1)
					if inside.Add(1) > 1 {
						return nil, errFault
					}
					yield()
					return f.sound.Exchange(woken)
				}
			}),
		},

		"each attempt goes to one server": {
			"goes to two": each(`expected the request "`, asking(func(e *fakeExchange) {
				e.send = func(m *transport.Message) error { return errors.Join(e.Exchange.Send(m), e.Exchange.Send(m)) }
			})),
		},
		"a server that was not asked is preferred": {
			"one serves all":          together(unasked, oneForAll),
			"the one with the fewest": each(unasked, forgettingWhoWasAsked),
		},
		"the server with the fewest requests is preferred": {"one serves all": together("to be shared evenly", oneForAll)},
		"Unasked counts those that were not asked": {
			"counts all": each("expected Unasked to be 1", asking(func(e *fakeExchange) { e.unasked = func() int { return 2 } })),
		},
		"a cancellation goes to all who owe an answer": {
			"goes to one": together(noRequest, func() breaker {
				servers := 0
				return func(f *fake) {
					f.serve = func(s transport.Server) error {
						if servers++; servers < 2 {
							return f.sound.Serve(s)
						}
						return f.sound.Serve(serverFunc(func(r transport.Request) {
							if len(r.Message().Payload[0]) > 0 { // else it is the end of one
								s.Request(r)
							}
						}))
					}
				}
			}),
		},
	}
}

// later calls f in a bubble where all others wait, so that what they did before is done.
func later(f func()) {
	go func() {
		synctest.Wait()
		f()
	}()
}

// oneForAll is the fault of handing all requests to the first server.
func oneForAll() breaker {
	var first transport.Server
	return func(f *fake) {
		f.serve = func(s transport.Server) error {
			if first == nil {
				first = s
			}
			return f.sound.Serve(first)
		}
	}
}

// forgettingWhoWasAsked is the fault of making each further attempt in an exchange of its own.
func forgettingWhoWasAsked(f *fake) {
	f.exchange = func(woken chan<- struct{}) (transport.Exchange, error) {
		inner, err := f.sound.Exchange(woken)
		if err != nil {
			return nil, err
		}
		attempts := 0
		return &fakeExchange{Exchange: inner, send: func(m *transport.Message) error {
			if attempts++; attempts == 1 {
				return inner.Send(m)
			}
			other, err := f.sound.Exchange(woken)
			if err != nil {
				return err
			}
			return other.Send(m)
		}}, nil
	}
}

// losingNothing is the fault of not telling of lost connections.
var losingNothing = asking(func(e *fakeExchange) {
	e.take = func() (transport.Answer, bool) {
		a, ok := e.Exchange.Take()
		return a, ok && a.Err == nil
	}
})

// abandoned are functions that OnAbandoned was given.
type abandoned struct {
	mu  sync.Mutex
	all []func(lost bool)
}

func (a *abandoned) add(f func(lost bool)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, f)
}

func (a *abandoned) tell(lost bool) {
	a.mu.Lock()
	all := slices.Clone(a.all)
	a.mu.Unlock()
	for _, f := range all {
		f(lost)
	}
}
