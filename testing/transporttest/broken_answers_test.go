package transporttest_test

import (
	"slices"

	"github.com/fanfare-go/fanfare/transport"
)

// answerFaults are transports that break what holds for answers.
func answerFaults() map[string]map[string]fault {
	return map[string]map[string]fault{
		"a reply arrives byte for byte": {
			"loses parts": each("its payload has", serving(func(r *fakeRequest) {
				r.reply = func(m *transport.Message) error {
					c := *m
					c.Payload = append(slices.Clip(m.Payload), nil)
					return r.Request.Reply(&c)
				}
			})),
			"is lost": each("but the answer has the error", asking(func(e *fakeExchange) {
				e.take = func() (transport.Answer, bool) {
					_, ok := e.Exchange.Take()
					return transport.Answer{Err: transport.ErrLost}, ok
				}
			})),
		},
		"Reply copies what it needs": {
			"copies later": each("however the server changes it after Reply", serving(func(r *fakeRequest) {
				r.reply = func(m *transport.Message) error {
					later(func() { _ = r.Request.Reply(m) })
					return nil
				}
			})),
		},
		"a second reply is an error": {
			"is none": each("to return an error, but it returned none", serving(func(r *fakeRequest) {
				r.reply = func(m *transport.Message) error {
					_ = r.Request.Reply(m)
					return nil
				}
			})),
			"is none after Discard": each("expected Reply after Discard to return an error", serving(func(r *fakeRequest) {
				discarded := false
				r.discard = func() {
					discarded = true
					r.Request.Discard()
				}
				r.reply = func(m *transport.Message) error {
					err := r.Request.Reply(m)
					if discarded {
						return nil
					}
					return err
				}
			})),
		},
		"an attempt has one answer": {
			"has two": each(`expected the reply "second reply"`, asking(func(e *fakeExchange) {
				var again []transport.Answer
				e.take = func() (transport.Answer, bool) {
					if len(again) > 0 {
						a := again[0]
						again = nil
						return a, true
					}
					a, ok := e.Exchange.Take()
					if ok {
						again = []transport.Answer{a}
					}
					return a, ok
				}
			})),
		},
		"a request is answered once, whoever is first": {
			"all are": each("but 4 did", serving(func(r *fakeRequest) {
				r.reply = func(m *transport.Message) error {
					_ = r.Request.Reply(m)
					return nil
				}
			})),
			"nobody is": each("but 0 did", serving(func(r *fakeRequest) { r.reply = func(*transport.Message) error { return errFault } })),
		},
		"a reply that is wrong may be given again": {
			"may not": each("expected Reply to succeed", serving(func(r *fakeRequest) {
				r.reply = func(m *transport.Message) error {
					err := r.Request.Reply(m)
					if err != nil {
						r.Request.Discard()
					}
					return err
				}
			})),
			"says nothing": each("expected Reply to say what is wrong", serving(func(r *fakeRequest) {
				r.reply = func(m *transport.Message) error {
					_ = r.Request.Reply(m)
					return nil
				}
			})),
		},
		"attempts at a server that is gone are lost": {"go on": each(noAnswer, losingNothing)},
		"attempts of a transport that ends are lost": {"go on": each(noAnswer, losingNothing)},
		"late replies are counted":                   {"are not": each("late replies to be counted", counting(func(s *transport.Stats) { s.LateReplies = 0 }))},
		"what is discarded is counted": {
			"is not": each("a request without a reply to be counted", counting(func(s *transport.Stats) { s.RepliesDropped = 0 })),
			"is answered": each("expected no answer any more", serving(func(r *fakeRequest) {
				r.discard = func() { _ = r.Request.Reply(&transport.Message{Topic: "call", Payload: [][]byte{{}}}) }
			})),
		},
		"a reply to a client that is gone is ErrLost": {
			"is a success": each("expected Reply to return ErrLost", serving(func(r *fakeRequest) {
				r.reply = func(m *transport.Message) error {
					_ = r.Request.Reply(m)
					return nil
				}
			})),
			"is not counted": each("a reply that nobody gets to be counted", counting(func(s *transport.Stats) { s.RepliesDropped = 0 })),
			"is not told":    each("expected OnAbandoned to be called", serving(func(r *fakeRequest) { r.onAbandoned = func(func(bool)) {} })),
		},
		"Shutdown flushes replies": {
			"loses the last": together(`expected the reply "reply"`, func() breaker {
				replies := 0
				return serving(func(r *fakeRequest) {
					r.reply = func(m *transport.Message) error {
						if replies++; replies == 32 {
							return nil
						}
						return r.Request.Reply(m)
					}
				})
			}),
		},
	}
}

// abandonFaults are transports that break what holds for requests that are given up.
func abandonFaults() map[string]map[string]fault {
	deaf := serving(func(r *fakeRequest) { r.onAbandoned = func(func(bool)) {} })
	other := serving(func(r *fakeRequest) {
		r.onAbandoned = func(f func(bool)) { r.Request.OnAbandoned(func(lost bool) { f(!lost) }) }
	})
	return map[string]map[string]fault{
		"a cancellation reaches the server": {
			"does not": each(noRequest, asking(func(e *fakeExchange) { e.end = func(*transport.Message) { e.Exchange.End(nil) } })),
			"does not without payload": each(noRequest, asking(func(e *fakeExchange) {
				e.end = func(cancel *transport.Message) {
					if cancel != nil && len(cancel.Payload) == 0 {
						cancel = nil
					}
					e.Exchange.End(cancel)
				}
			})),
			"has a payload": each("expected what ends a request to arrive as it was sent", asking(func(e *fakeExchange) {
				e.end = func(cancel *transport.Message) {
					if cancel != nil {
						c := *cancel
						c.Payload = [][]byte{[]byte("payload")}
						cancel = &c
					}
					e.Exchange.End(cancel)
				}
			})),
		},
		"who has answered is not told of a cancellation": {
			"is told": each(`expected the request "y"`, asking(func(e *fakeExchange) {
				e.end = func(cancel *transport.Message) {
					if cancel != nil { // which is sent as a request is, with a payload
						c := *cancel
						c.Payload = [][]byte{{}}
						_ = e.Exchange.Send(&c)
					}
					e.Exchange.End(nil)
				}
			})),
		},
		"Cancel abandons the request": {
			"does nothing": each("expected OnAbandoned to be called when the client has cancelled", serving(func(r *fakeRequest) { r.cancel = func() {} })),
			"tells a loss": each("expected OnAbandoned to tell of a cancellation", other),
			"abandons all": together("the other request of the client not to be abandoned", func() breaker {
				var all abandoned
				return serving(func(r *fakeRequest) {
					r.onAbandoned = all.add
					r.cancel = func() { all.tell(false) }
				})
			}),
		},
		"a lost connection abandons its requests": {
			"does not":             each("expected OnAbandoned of each request to be called", deaf),
			"tells a cancellation": each("expected OnAbandoned to tell that the connection is lost", other),
		},
		"what was answered is not abandoned": {
			"is abandoned": together("a request with a reply not to be abandoned", func() breaker {
				var all abandoned
				return func(f *fake) {
					serving(func(r *fakeRequest) { r.onAbandoned = all.add })(f)
					f.close = func() error {
						all.tell(true)
						return f.sound.Close()
					}
				}
			}),
		},
		"OnAbandoned replaces what it was given": {
			"adds to it": each("but that was called as well", serving(func(r *fakeRequest) {
				var all abandoned
				r.onAbandoned = func(f func(bool)) {
					all.add(f)
					r.Request.OnAbandoned(all.tell)
				}
			})),
		},
		"a loss before OnAbandoned is not missed": {"is missed": each("expected OnAbandoned to be called, as the connection was lost", deaf)},
	}
}
