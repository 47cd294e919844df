package transporttest_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
)

// A fault is a way to break a transport.
type fault struct {
	want string // in the text of the failure
	wrap func(t testing.TB) breaker
}

// each is a fault of each transport for itself.
func each(want string, b breaker) fault {
	return fault{want, func(testing.TB) breaker { return b }}
}

// together is a fault of the transports of a network together.
func together(want string, wrap func() breaker) fault {
	return fault{want, func(testing.TB) breaker { return wrap() }}
}

// nothing is what a check says that has received too little.
const nothing = "context deadline exceeded"

var errFault = errors.New("the fault")

// eventFaults are transports that break what holds for events, by the check that must find them and how they do.
func eventFaults() map[string]map[string]fault {
	return map[string]map[string]fault{
		"a message arrives byte for byte": {
			"loses empty parts": changing("its payload", func(m *transport.Message) {
				m.Payload = slices.DeleteFunc(slices.Clone(m.Payload), func(part []byte) bool { return len(part) == 0 })
				if len(m.Payload) == 0 {
					m.Payload = [][]byte{{'x'}}
				}
			}),
			"cuts the envelope": changing("its envelope is", func(m *transport.Message) { m.Envelope = m.Envelope[:min(38, len(m.Envelope))] }),
			"adds a part":       changing("its payload", func(m *transport.Message) { m.Payload = append(slices.Clip(m.Payload), nil) }),
			"ends at a zero": changing("its payload", func(m *transport.Message) {
				m.Payload = slices.Clone(m.Payload)
				for i := range m.Payload {
					m.Payload[i], _, _ = bytes.Cut(m.Payload[i], []byte{0})
				}
			}),
		},
		"a topic is any bytes": {
			"makes it text": changing("its topic is", func(m *transport.Message) { m.Topic = strings.ToValidUTF8(m.Topic, "?") }),
		},
		"a large message arrives": {
			"loses it": each(nothing, func(f *fake) {
				f.publish = func(m *transport.Message) error {
					if len(bytes.Join(m.Payload, nil)) > 1<<19 {
						return nil
					}
					return f.sound.Publish(m)
				}
			}),
			"refuses it": each("expected Publish to succeed", func(f *fake) {
				f.publish = func(m *transport.Message) error {
					if len(bytes.Join(m.Payload, nil)) > 1<<19 {
						return errFault
					}
					return f.sound.Publish(m)
				}
			}),
		},
		"Publish copies what it needs":                  {"copies later": keeping(func(m *transport.Message) *transport.Message { return m })},
		"of an owned message the payload alone is kept": {"keeps the envelope": keeping(func(m *transport.Message) *transport.Message { return m })},
		"Publish does not change the message": {
			"marks it": each("but now its envelope is", func(f *fake) {
				f.publish = func(m *transport.Message) error {
					err := f.sound.Publish(m)
					m.Envelope[5] |= 1
					return err
				}
			}),
			"claims it": each("its flags were changed", func(f *fake) {
				f.publish = func(m *transport.Message) error {
					err := f.sound.Publish(m)
					m.Owned = false
					return err
				}
			}),
		},
		"what was received does not change": {
			"receives into one buffer": each("to stay as it was received", func(f *fake) {
				var buffer []byte
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					n, err := f.sound.Receive(ctx, into)
					for i := range n {
						buffer = append(buffer[:0], into[i].Payload[0]...)
						into[i].Payload[0] = buffer
					}
					return n, err
				}
			}),
		},
		"a plain message goes out without envelope": {
			"sends it": changing("it has the envelope", func(m *transport.Message) { m.Plain = false }),
		},

		"an event reaches every peer with a prefix of its topic": {
			"asks for everything": each("expected the messages", func(f *fake) {
				f.subscribe = func(string) error { return f.sound.Subscribe("") }
			}),
			"loses one": each(nothing, func(f *fake) {
				f.publish = func(m *transport.Message) error {
					if m.Topic == "b" {
						return nil
					}
					return f.sound.Publish(m)
				}
			}),
		},
		"an event reaches a peer once": {
			"sends it twice": each("expected the messages", func(f *fake) {
				f.publish = func(m *transport.Message) error { return errors.Join(f.sound.Publish(m), f.sound.Publish(m)) }
			}),
		},
		"publishing to nobody succeeds": {
			"fails": each("expected Publish to succeed", func(f *fake) {
				f.publish = func(m *transport.Message) error {
					if f.sound.Subscribers(m.Topic) == 0 {
						return errFault
					}
					return f.sound.Publish(m)
				}
			}),
			"counts it": each("expected one message to be sent", counting(func(s *transport.Stats) { s.Dropped++ })),
		},
		"what cannot be published is handed to nobody": {
			"cuts it": each("expected the messages", func(f *fake) {
				f.publish = func(m *transport.Message) error {
					err := f.sound.Publish(m)
					if err != nil {
						_ = f.sound.Publish(&transport.Message{Topic: "t", Payload: [][]byte{{}}})
					}
					return err
				}
			}),
			"says nothing": each("but it returned none", func(f *fake) {
				f.publish = func(m *transport.Message) error {
					_ = f.sound.Publish(m)
					return nil
				}
			}),
		},
		"Publish does not wait for a peer": {
			"waits": each("expected Publish, with a peer that does not receive, to return", func(f *fake) {
				over := make(chan struct{})
				published := 0
				f.publish = func(m *transport.Message) error {
					if published++; published > 100 {
						<-over
					}
					return f.sound.Publish(m)
				}
				once := sync.OnceFunc(func() { close(over) })
				f.close = func() error {
					once()
					return f.sound.Close()
				}
			}),
		},
		"what a peer cannot take is counted": {
			"counts nothing": each("expected messages to be dropped and counted", counting(func(s *transport.Stats) { s.Dropped = 0 })),
			"counts half":    each("to be sent or dropped", counting(func(s *transport.Stats) { s.Dropped /= 2 })),
		},
		"a peer that does not receive costs others nothing": {
			"drops for all": each(nothing, func(f *fake) {
				var published, dropped atomic.Uint64
				f.publish = func(m *transport.Message) error {
					if published.Add(1) > 100 {
						dropped.Add(1)
						return nil
					}
					return f.sound.Publish(m)
				}
				f.stats = func() transport.Stats {
					s := f.sound.Stats()
					s.Dropped += dropped.Load()
					return s
				}
			}),
		},
		"Sent and Received are counted": {
			"counts none sent":     each("but the publisher's Stats", counting(func(s *transport.Stats) { s.Sent = 0 })),
			"counts none received": each("but the receivers' Stats", counting(func(s *transport.Stats) { s.Received = 0 })),
		},

		"a prefix is any bytes": {
			"makes it text": each("expected the messages", func(f *fake) {
				f.subscribe = func(prefix string) error { return f.sound.Subscribe(strings.ToValidUTF8(prefix, "")) }
			}),
		},
		"the empty prefix is for all events": {
			"is for none": each(nothing, func(f *fake) {
				f.subscribe = func(prefix string) error { return f.sound.Subscribe(prefix + "\x01") }
			}),
		},
		"peers that come later are asked as well": {
			"are not": together("its Subscribers tells 0", func() breaker {
				asked := false
				return func(f *fake) {
					late := asked
					f.subscribe = func(prefix string) error {
						asked = true
						return f.sound.Subscribe(prefix)
					}
					f.subscribers = func(topic string) int {
						if late {
							return 0
						}
						return f.sound.Subscribers(topic)
					}
				}
			}),
			"get nothing across": together(nothing, func() breaker {
				asked := false
				return func(f *fake) {
					late := asked
					f.subscribe = func(prefix string) error {
						asked = true
						return f.sound.Subscribe(prefix)
					}
					f.publish = func(m *transport.Message) error {
						if late {
							return nil
						}
						return f.sound.Publish(m)
					}
				}
			}),
		},
		"each Subscribe needs an Unsubscribe": {
			"one ends all": each(nothing, func(f *fake) {
				f.unsubscribe = func(prefix string) error {
					return errors.Join(f.sound.Unsubscribe(prefix), f.sound.Unsubscribe(prefix))
				}
			}),
			"none ends": each(`that Subscribers("t") is 0`, func(f *fake) { f.unsubscribe = func(string) error { return nil } }),
		},
		"Unsubscribe ends one prefix and no other": {
			"ends longer ones": each(nothing, func(f *fake) {
				f.unsubscribe = func(prefix string) error {
					return errors.Join(f.sound.Unsubscribe(prefix), f.sound.Unsubscribe(prefix+"b"))
				}
			}),
		},

		"Receive fills from the beginning": {
			"leaves the first place": each("but place 0 has", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					return f.sound.Receive(ctx, into[1:])
				}
			}),
			"says too much": each("expected Receive to return between 1 and", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					_, err := f.sound.Receive(ctx, into)
					return len(into), err
				}
			}),
		},
		"Receive waits for a message": {
			"does not": each("returned 0 messages and no error", func(f *fake) {
				f.receive = func(context.Context, []transport.Message) (int, error) { return 0, nil }
			}),
		},
		"Receive ends with its context": {
			"goes on": each("expected Receive to return when its context has ended", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					return f.sound.Receive(context.WithoutCancel(ctx), into)
				}
			}),
			"says something else": each("expected Receive to return the error of its context", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					n, err := f.sound.Receive(ctx, into)
					if err != nil {
						err = errFault
					}
					return n, err
				}
			}),
		},
		"Receive takes what fits": {
			"says more": each("where there is room for 2", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					n, err := f.sound.Receive(ctx, into)
					return n + len(into), err
				}
			}),
			"drops the rest": each(nothing, func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					all := make([]transport.Message, 10)
					n, err := f.sound.Receive(ctx, all)
					return min(n, copy(into, all)), err
				}
			}),
		},

		"what is published when nothing is pending arrives": {
			"subscribes later": each("Subscribers of one tells 0", subscribingLater),
		},
		"Publishers counts the connected peers": {
			"counts itself": each("that nothing is pending", func(f *fake) { f.publishers = func() int { return f.sound.Publishers() + 1 } }),
		},
		"Subscribers counts each peer once": {
			"counts twice": each("expected Subscribers(", func(f *fake) {
				f.subscribers = func(topic string) int { return 2 * f.sound.Subscribers(topic) }
			}),
			"counts itself": together("expected Subscribers of a peer to count the others", func() breaker {
				opened := 0
				return func(f *fake) {
					opened++
					if opened == 2 {
						f.subscribers = func(topic string) int { return f.sound.Subscribers(topic) + 1 }
					}
				}
			}),
		},
		"Changed tells of subscribers that come and go": {"does not": each("expected Changed to tell of Subscribe of a peer", neverChanging)},
		"Changed tells of publishers that go":           {"does not": each("expected Changed to tell of the end of a peer", neverChanging)},
		"Changed wakes everybody who waits": {
			"wakes one": each("expected each channel of Changed", func(f *fake) {
				calls := 0
				f.changed = func() <-chan struct{} {
					if calls++; calls%2 == 0 {
						return make(chan struct{})
					}
					return f.sound.Changed()
				}
			}),
		},

		"peers that come and go are told": {
			"tells no end": telling("expected Events, with a peer that has gone,", func(e transport.Event) (transport.Event, bool) { return e, e.Up }),
			"tells another end": telling("expected Events to tell the end of peers that came", func(e transport.Event) (transport.Event, bool) {
				if !e.Up {
					e.Peer.Address += "!"
				}
				return e, true
			}),
			"tells bad ones": telling("expected Events to tell that a peer is up", func(e transport.Event) (transport.Event, bool) {
				e.Bad = true
				return e, true
			}),
		},
		"peers of this module are not plain": {
			"are plain": telling("not to be plain", func(e transport.Event) (transport.Event, bool) {
				e.Peer.Plain = true
				return e, true
			}),
		},
		"Events is always the same channel": {
			"is another": each("it returned another one", func(f *fake) {
				f.events = func() <-chan transport.Event { return make(chan transport.Event) }
			}),
		},
		"Close closes the channel of Events":    {"does not": endless("expected Events to be closed after Close")},
		"Shutdown closes the channel of Events": {"does not": endless("expected Events to be closed after Shutdown")},
		"events that nobody reads are counted": {
			"are not": each("told or counted in EventsLost", counting(func(s *transport.Stats) { s.EventsLost = 0 })),
		},
	}
}

// changing is the fault of publishing something else.
func changing(want string, change func(m *transport.Message)) fault {
	return each(want, func(f *fake) {
		f.publish = func(m *transport.Message) error {
			c := *m
			change(&c)
			return f.sound.Publish(&c)
		}
	})
}

// keeping is the fault of publishing what is kept of a message when somebody receives.
func keeping(keep func(m *transport.Message) *transport.Message) fault {
	return together("however the caller changes it afterwards", func() breaker {
		var kept []func() error
		return func(f *fake) {
			f.publish = func(m *transport.Message) error {
				k := keep(m)
				kept = append(kept, func() error { return f.sound.Publish(k) })
				return nil
			}
			f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
				for _, publish := range kept {
					if err := publish(); err != nil {
						return 0, err
					}
				}
				kept = nil
				return f.sound.Receive(ctx, into)
			}
		}
	})
}

// counting is the fault of counting something else.
func counting(change func(s *transport.Stats)) breaker {
	return func(f *fake) {
		f.stats = func() transport.Stats {
			s := f.sound.Stats()
			change(&s)
			return s
		}
	}
}

// subscribingLater is the fault of subscribing when somebody receives.
func subscribingLater(f *fake) {
	var prefixes []string
	f.subscribe = func(prefix string) error {
		prefixes = append(prefixes, prefix)
		return nil
	}
	f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
		for _, prefix := range prefixes {
			if err := f.sound.Subscribe(prefix); err != nil {
				return 0, err
			}
		}
		prefixes = nil
		return f.sound.Receive(ctx, into)
	}
}

func neverChanging(f *fake) { f.changed = func() <-chan struct{} { return make(chan struct{}) } }

// telling is the fault of telling other events of peers.
func telling(want string, tell func(transport.Event) (e transport.Event, told bool)) fault {
	return each(want, func(f *fake) {
		events := make(chan transport.Event, 10)
		go func() { // until the transport ends
			defer close(events)
			for e := range f.sound.Events() {
				if e, told := tell(e); told {
					events <- e
				}
			}
		}()
		f.events = func() <-chan transport.Event { return events }
	})
}

// endless is the fault of not closing the channel of Events.
func endless(want string) fault {
	return fault{want, func(t testing.TB) breaker {
		return func(f *fake) {
			events := make(chan transport.Event)
			t.Cleanup(func() { close(events) }) // who waits for it is to end
			f.events = func() <-chan transport.Event { return events }
		}
	}}
}

// yield lets others run, even where there is one core.
func yield() {
	for range 20 {
		runtime.Gosched()
	}
}
