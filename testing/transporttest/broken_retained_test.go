package transporttest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/fanfare-go/fanfare/transport"
)

// retainedFaults are transports that break what holds for retained messages.
func retainedFaults() map[string]map[string]fault {
	forgetting := func(f *fake) {
		f.retain = func(m *transport.Message, _ string, _ int) error { return f.sound.Publish(m) }
	}
	return map[string]map[string]fault{
		"PublishRetained publishes": {
			"only keeps": each(nothing, func(f *fake) { f.retain = func(*transport.Message, string, int) error { return nil } }),
		},
		"who subscribes later gets the last of each key, in order": {
			"forgets": each(nothing, forgetting),
			"knows no keys": each(nothing, func(f *fake) {
				f.retain = func(m *transport.Message, _ string, limit int) error { return f.sound.PublishRetained(m, "", limit) }
			}),
			"goes backwards": each("expected the messages", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					n, err := f.sound.Receive(ctx, into)
					slices.Reverse(into[:n])
					return n, err
				}
			}),
		},
		"a copy is marked, and the message is not": {
			"marks the message": each("leave the message as it is, but now its envelope", func(f *fake) {
				f.retain = func(m *transport.Message, key string, limit int) error {
					err := f.sound.PublishRetained(m, key, limit)
					m.Envelope[5] |= 1
					return err
				}
			}),
			"does not mark the copy": each("expected the messages", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					n, err := f.sound.Receive(ctx, into)
					for i := range n {
						into[i].Envelope[5] &^= 1
					}
					return n, err
				}
			}),
		},
		"a copy is the transport's own": {
			"shares memory": together("however the caller changes it afterwards", func() breaker {
				var kept []func() error
				return func(f *fake) {
					f.retain = func(m *transport.Message, key string, limit int) error {
						c := *m
						c.Envelope, c.Payload = bytes.Clone(m.Envelope), slices.Clone(m.Payload)
						kept = append(kept, func() error { return f.sound.PublishRetained(&c, key, limit) })
						return nil
					}
					f.subscribe = func(prefix string) error {
						for _, retain := range kept {
							if err := retain(); err != nil {
								return err
							}
						}
						kept = nil
						return f.sound.Subscribe(prefix)
					}
				}
			}),
		},
		"each Subscribe gets what is kept": {
			"the first does": each(nothing, func(f *fake) {
				known := map[string]bool{}
				f.subscribe = func(prefix string) error {
					if known[prefix] {
						return nil
					}
					known[prefix] = true
					return f.sound.Subscribe(prefix)
				}
			}),
		},
		"each prefix gets what begins with it": {
			"gets everything": each("expected the messages", func(f *fake) { f.subscribe = func(string) error { return f.sound.Subscribe("") } }),
		},
		"more keys than the limit let the oldest go": {
			"are kept": each("expected the messages", func(f *fake) {
				f.retain = func(m *transport.Message, key string, _ int) error { return f.sound.PublishRetained(m, key, 100) }
			}),
			"are not counted": each("RetainedEvicted is 0", counting(func(s *transport.Stats) { s.RetainedEvicted = 0 })),
		},
		"Publish leaves what is kept": {
			"replaces it": each("expected the messages", func(f *fake) {
				f.publish = func(m *transport.Message) error { return f.sound.PublishRetained(m, "", 1) }
			}),
		},
		"what is kept is not dropped for a full queue": {
			"keeps what fits": each(nothing, func(f *fake) {
				f.retain = func(m *transport.Message, key string, limit int) error {
					return f.sound.PublishRetained(m, key, min(limit, 1000))
				}
			}),
		},
		"who is ready has what is kept": {"subscribes later": each(nothing, subscribingLater)},
		"without an envelope nothing is kept": {
			"sends one": each("expected the messages", func(f *fake) {
				f.retain = func(m *transport.Message, key string, limit int) error {
					c := *m
					c.Plain = false
					return f.sound.PublishRetained(&c, key, limit)
				}
			}),
		},
		"what is refused is not kept": {
			"says nothing": each("expected PublishRetained to return an error for a limit of 0 keys", func(f *fake) {
				f.retain = func(m *transport.Message, key string, limit int) error {
					return f.sound.PublishRetained(m, key, max(limit, 1))
				}
			}),
			"publishes it": each("expected the messages", func(f *fake) {
				f.retain = func(m *transport.Message, key string, limit int) error {
					err := f.sound.PublishRetained(m, key, limit)
					if err != nil {
						err = errors.Join(err, f.sound.Publish(&transport.Message{Topic: "t", Payload: [][]byte{{}}}))
					}
					return err
				}
			}),
		},
		"after the end PublishRetained returns net.ErrClosed": {
			"says nothing": each("expected PublishRetained to return an error that matches net.ErrClosed", func(f *fake) {
				f.retain = func(m *transport.Message, key string, limit int) error {
					_ = f.sound.PublishRetained(m, key, limit)
					return nil
				}
			}),
		},
		"there is no hole after the first": {
			"there is": each("expected event 30 after event 29", func(f *fake) {
				f.retain = func(m *transport.Message, key string, limit int) error {
					if binary.BigEndian.Uint64(m.Envelope[22:]) == 30 {
						return nil
					}
					return f.sound.PublishRetained(m, key, limit)
				}
			}),
		},
	}
}
