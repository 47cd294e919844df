package transporttest_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/fanfare-go/fanfare/transport"
)

// endFaults are transports that break what holds for their end, and for order.
func endFaults() map[string]map[string]fault {
	return map[string]map[string]fault{
		"after Close everything returns net.ErrClosed": {
			"Publish": each("expected Publish to return an error that matches net.ErrClosed", func(f *fake) {
				f.publish = func(m *transport.Message) error {
					_ = f.sound.Publish(m)
					return nil
				}
			}),
			"Subscribe": each("expected Subscribe to return an error that matches net.ErrClosed", func(f *fake) {
				f.subscribe = func(prefix string) error {
					_ = f.sound.Subscribe(prefix)
					return nil
				}
			}),
			"Unsubscribe": each("expected Unsubscribe to return an error that matches net.ErrClosed", func(f *fake) {
				f.unsubscribe = func(prefix string) error {
					_ = f.sound.Unsubscribe(prefix)
					return nil
				}
			}),
			"Receive": each("expected Receive to return an error that matches net.ErrClosed", func(f *fake) {
				f.receive = func(context.Context, []transport.Message) (int, error) { return 0, errFault }
			}),
			"Publishers":  each("expected nothing to report", func(f *fake) { f.publishers = func() int { return 1 } }),
			"Subscribers": each("expected nothing to report", func(f *fake) { f.subscribers = func(string) int { return 1 } }),
		},
		"after Shutdown everything returns net.ErrClosed": {
			"Shutdown": each("expected Shutdown to return an error that matches net.ErrClosed", func(f *fake) {
				f.shutdown = func(ctx context.Context) error {
					_ = f.sound.Shutdown(ctx)
					return nil
				}
			}),
			"goes on": each("expected Publish to return an error that matches net.ErrClosed", func(f *fake) {
				f.shutdown = func(context.Context) error { return nil }
			}),
			"Close": each("expected Close after the end to succeed", failingAgain),
		},
		"the end of a transport is a change": {"is none": each("expected Changed to tell of the end", neverChanging)},
		"Close is idempotent":                {"fails again": each("expected call 2 of Close to succeed", failingAgain)},
		"Close may be called concurrently":   {"fails again": each("while others end the transport, but it returned", failingAgain)},
		"Close ends a Receive that waits": {
			"lets it wait": {"expected Receive to return when the transport ends", func(t testing.TB) breaker {
				over := make(chan struct{})
				t.Cleanup(func() { close(over) })
				return func(f *fake) {
					f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
						before := f.sound.Publish(&transport.Message{Topic: "to nobody", Payload: [][]byte{{}}})
						n, err := f.sound.Receive(ctx, into)
						if before == nil && errors.Is(err, net.ErrClosed) { // it has begun before the end
							<-over
						}
						return n, err
					}
				}
			}},
			"says something else": each("expected Receive to return an error that matches net.ErrClosed", func(f *fake) {
				f.receive = func(ctx context.Context, into []transport.Message) (int, error) {
					_, _ = f.sound.Receive(ctx, into)
					return 0, errFault
				}
			}),
		},
		"Close ends a Shutdown that waits": {
			"lets it wait": {"expected Shutdown to return when Close was called", func(t testing.TB) breaker {
				over := make(chan struct{})
				t.Cleanup(func() { close(over) })
				return func(f *fake) {
					f.shutdown = func(ctx context.Context) error {
						if f.sound.Publish(&transport.Message{Topic: "to nobody", Payload: [][]byte{{}}}) == nil { // it has begun before the end
							select {
							case <-ctx.Done():
							case <-over:
							}
						}
						return f.sound.Shutdown(ctx)
					}
				}
			}},
			"does not see its context": {"expected Shutdown to return, or to wait for the end of its context", func(t testing.TB) breaker {
				over := make(chan struct{})
				t.Cleanup(func() { close(over) })
				return func(f *fake) {
					f.shutdown = func(ctx context.Context) error {
						<-over
						return f.sound.Shutdown(ctx)
					}
				}
			}},
			"waits for it": {"expected Close to return", func(t testing.TB) breaker {
				return func(f *fake) {
					over := make(chan struct{})
					t.Cleanup(func() { close(over) })
					f.close = func() error {
						<-over
						return f.sound.Close()
					}
				}
			}},
		},
		"what nobody received is counted at the end": {
			"is not": each("to be received or counted as untaken", counting(func(s *transport.Stats) { s.Untaken = 0 })),
		},
		"all methods may be called concurrently": {
			"one at a time": each("expected calls at the same time to succeed", func(f *fake) {
				var inside atomic.Int32
				f.publish = func(m *transport.Message) error {
					defer inside.Add(-1)
					if inside.Add(1) > 1 {
						return errFault
					}
					yield()
					return f.sound.Publish(m)
				}
			}),
		},

		"Shutdown flushes what was published": {"loses the last": each(nothing, gathering)},
		"Shutdown flushes to a peer that receives later": {
			"gives up": each("expected Shutdown to succeed", func(f *fake) {
				f.shutdown = func(ctx context.Context) error { return errors.Join(f.sound.Shutdown(ctx), errFault) }
			}),
		},
		"nothing is published during Shutdown": {
			"is": {"during Shutdown, but it returned: <nil>", func(t testing.TB) breaker {
				return func(f *fake) {
					f.shutdown = func(ctx context.Context) error {
						<-ctx.Done()
						return f.sound.Shutdown(ctx)
					}
				}
			}},
		},
		"Shutdown says what it could not flush": {
			"counts it as sent": each(nothing, counting(func(s *transport.Stats) { s.Sent += s.Dropped })),
			"goes on": each("expected Publish to return an error that matches net.ErrClosed", func(f *fake) {
				f.shutdown = func(ctx context.Context) error {
					if ctx.Err() != nil {
						return ctx.Err()
					}
					return f.sound.Shutdown(ctx)
				}
			}),
			"names one of two": each("expected the error of Shutdown to have the address of each of the 2 peers", func(f *fake) {
				counting(func(s *transport.Stats) { s.Untaken = 0 })(f)
				f.shutdown = func(ctx context.Context) error {
					return errors.Join(f.sound.Shutdown(ctx), errors.New("memory #2 has not received everything"))
				}
			}),
		},
		"peers are told of the end": {
			"are not": each("that nothing is pending", func(f *fake) { f.publishers = func() int { return 1 } }),
		},

		"messages of one publisher arrive in order":     {"swaps two": each("expected message 0 of publisher", swapping)},
		"messages of any size and kind arrive in order": {"swaps two": each("expected the messages", swapping)},
		"messages for several prefixes arrive in order": {"swaps two": each("expected the messages", swapping)},
	}
}

// failingAgain is the fault of a second Close that fails.
func failingAgain(f *fake) {
	var closed atomic.Bool
	f.close = func() error {
		err := f.sound.Close()
		if closed.Swap(true) {
			return errFault
		}
		return err
	}
	f.shutdown = func(ctx context.Context) error {
		closed.Store(true)
		return f.sound.Shutdown(ctx)
	}
}

// gathering is the fault of sending seven messages together, and losing what there is at the end.
func gathering(f *fake) {
	var waiting []*transport.Message
	f.publish = func(m *transport.Message) error {
		c := *m
		if waiting = append(waiting, &c); len(waiting) < 7 {
			return nil
		}
		for _, m := range waiting {
			if err := f.sound.Publish(m); err != nil {
				return err
			}
		}
		waiting = nil
		return nil
	}
}

// swapping is the fault of sending two messages in the wrong order.
func swapping(f *fake) {
	var held *transport.Message
	f.publish = func(m *transport.Message) error {
		if held == nil {
			c := *m
			held = &c
			return nil
		}
		first := held
		held = nil
		return errors.Join(f.sound.Publish(m), f.sound.Publish(first))
	}
}
