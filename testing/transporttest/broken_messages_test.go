package transporttest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/transport"
)

// messageFaults are transports that break what holds for messages and their publishers, by the check that must find them and how they do.
func messageFaults() map[string]map[string]fault {
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
		"what has no payload is refused": {
			"is sent": each("but it returned none", func(f *fake) {
				f.publish = func(m *transport.Message) error {
					if len(m.Payload) == 0 {
						m = &transport.Message{Topic: m.Topic, Envelope: m.Envelope, Payload: [][]byte{{}}}
					}
					return f.sound.Publish(m)
				}
			}),
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
	}
}
