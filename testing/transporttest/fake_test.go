package transporttest_test

import (
	"context"
	"testing"

	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
)

// sound is all that a transport can be.
type sound interface {
	transport.Retainer
	transport.Requester
	transport.Tasker
}

// fake is a sound transport but for the methods that are set.
type fake struct {
	sound
	publish     func(m *transport.Message) error
	subscribe   func(prefix string) error
	unsubscribe func(prefix string) error
	receive     func(ctx context.Context, into []transport.Message) (int, error)
	changed     func() <-chan struct{}
	publishers  func() int
	subscribers func(topic string) int
	events      func() <-chan transport.Event
	stats       func() transport.Stats
	shutdown    func(ctx context.Context) error
	close       func() error
	retain      func(m *transport.Message, key string, limit int) error
	exchange    func(woken chan<- struct{}) (transport.Exchange, error)
	servers     func() int
	serve       func(s transport.Server) error
	pushes      func() bool
	produce     func(s transport.TaskSource) (release func(), err error)
	work        func(s transport.TaskSink) (release func(), err error)
}

// a breaker makes a fake of a sound transport. It is called once for each transport of a network.
type breaker func(f *fake)

// broken returns a memory network whose transports are made by breakers of one call of wrap.
func broken(wrap func(t testing.TB) breaker) transporttest.Network {
	n := bustest.Memory()
	return transporttest.Network{Name: "broken", Open: func(t testing.TB) func() transport.Transport {
		open, spoil := n.Open(t), wrap(t)
		return func() transport.Transport {
			f := &fake{sound: open().(sound)}
			spoil(f)
			return f
		}
	}}
}

func (f *fake) Publish(m *transport.Message) error {
	if f.publish != nil {
		return f.publish(m)
	}
	return f.sound.Publish(m)
}

func (f *fake) Subscribe(prefix string) error {
	if f.subscribe != nil {
		return f.subscribe(prefix)
	}
	return f.sound.Subscribe(prefix)
}

func (f *fake) Unsubscribe(prefix string) error {
	if f.unsubscribe != nil {
		return f.unsubscribe(prefix)
	}
	return f.sound.Unsubscribe(prefix)
}

func (f *fake) Receive(ctx context.Context, into []transport.Message) (int, error) {
	if f.receive != nil {
		return f.receive(ctx, into)
	}
	return f.sound.Receive(ctx, into)
}

func (f *fake) Changed() <-chan struct{} {
	if f.changed != nil {
		return f.changed()
	}
	return f.sound.Changed()
}

func (f *fake) Publishers() int {
	if f.publishers != nil {
		return f.publishers()
	}
	return f.sound.Publishers()
}

func (f *fake) Subscribers(topic string) int {
	if f.subscribers != nil {
		return f.subscribers(topic)
	}
	return f.sound.Subscribers(topic)
}

func (f *fake) Events() <-chan transport.Event {
	if f.events != nil {
		return f.events()
	}
	return f.sound.Events()
}

func (f *fake) Stats() transport.Stats {
	if f.stats != nil {
		return f.stats()
	}
	return f.sound.Stats()
}

func (f *fake) Shutdown(ctx context.Context) error {
	if f.shutdown != nil {
		return f.shutdown(ctx)
	}
	return f.sound.Shutdown(ctx)
}

func (f *fake) Close() error {
	if f.close != nil {
		return f.close()
	}
	return f.sound.Close()
}

func (f *fake) PublishRetained(m *transport.Message, key string, limit int) error {
	if f.retain != nil {
		return f.retain(m, key, limit)
	}
	return f.sound.PublishRetained(m, key, limit)
}

func (f *fake) Exchange(woken chan<- struct{}) (transport.Exchange, error) {
	if f.exchange != nil {
		return f.exchange(woken)
	}
	return f.sound.Exchange(woken)
}

func (f *fake) Servers() int {
	if f.servers != nil {
		return f.servers()
	}
	return f.sound.Servers()
}

func (f *fake) Serve(s transport.Server) error {
	if f.serve != nil {
		return f.serve(s)
	}
	return f.sound.Serve(s)
}

func (f *fake) Pushes() bool {
	if f.pushes != nil {
		return f.pushes()
	}
	return f.sound.Pushes()
}

func (f *fake) Produce(s transport.TaskSource) (release func(), err error) {
	if f.produce != nil {
		return f.produce(s)
	}
	return f.sound.Produce(s)
}

func (f *fake) Work(s transport.TaskSink) (release func(), err error) {
	if f.work != nil {
		return f.work(s)
	}
	return f.sound.Work(s)
}
