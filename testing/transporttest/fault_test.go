package transporttest_test

import (
	"context"
	"errors"
	"runtime"
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
