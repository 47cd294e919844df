package transporttest_test

import (
	"context"
	"errors"
	"strings"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/transport"
)

// eventFaults are transports that break what holds for subscribers and peers.
func eventFaults() map[string]map[string]fault {
	return map[string]map[string]fault{
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
			"does not": each("it returned 0 messages, and the error <nil>", func(f *fake) {
				f.receive = func(context.Context, []transport.Message) (int, error) { return 0, nil }
			}),
		},
		"Receive ends with its context": {
			"goes on": each("expected Receive to return when its context has ended", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					return f.sound.Receive(context.WithoutCancel(ctx), into)
				}
			}),
			"looks at it at the beginning alone": each("expected Receive to return, or to wait for the end of its context", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					if ctx.Err() != nil {
						return 0, ctx.Err()
					}
					return f.sound.Receive(context.WithoutCancel(ctx), into)
				}
			}),
			"lets go of it": each("expected Receive to return when its context has ended", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					select {
					case <-ctx.Done():
						return 0, ctx.Err()
					default:
						synctest.Wait()
					}
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
