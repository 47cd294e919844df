package bus_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

// errRefused is what a fakeTransport says to messages on the topic "refused".
var errRefused = errors.New("refused by the transport")

// fakeTransport is a transport whose other side is the test.
type fakeTransport struct {
	incoming chan transport.Message
	events   chan transport.Event
	closed   chan struct{}
	once     sync.Once

	mu          sync.Mutex
	published   []transport.Message
	prefixes    map[string]int
	pending     []string
	publishers  int
	subscribers int
	dropped     uint64
	changed     chan struct{}
	shutdown    func(ctx context.Context) error
	subscribed  func() // called by Subscribe, without the lock, if not nil
	receives    atomic.Uint64
}

func newFakeTransport() *fakeTransport {
	return &fakeTransport{
		incoming: make(chan transport.Message, 1000),
		events:   make(chan transport.Event, 10),
		closed:   make(chan struct{}),
		prefixes: map[string]int{},
		changed:  make(chan struct{}),
		shutdown: func(context.Context) error { return nil },
	}
}

// receive makes the bus receive an enveloped message.
func (f *fakeTransport) receive(source uuid.UUID, seq uint64, topic, payload string) {
	f.incoming <- remoteMessage(source, seq, topic, "", payload)
}

// receiveRetained makes the bus receive an event that was published before.
func (f *fakeTransport) receiveRetained(source uuid.UUID, seq uint64, topic, payload string) {
	m := remoteMessage(source, seq, topic, "", payload)
	envelope.MarkRetained(m.Envelope)
	f.incoming <- m
}

// remoteMessage is an event as another bus sends it.
func remoteMessage(source uuid.UUID, seq uint64, topic, key, payload string) transport.Message {
	meta := envelope.Meta{Origin: &envelope.Origin{Topic: topic, Source: source, Keyed: true}, Seq: seq, Time: 1, Text: key}
	return transport.Message{Topic: topic, Envelope: envelope.Append(nil, &meta), Payload: [][]byte{[]byte(payload)}}
}

// set changes the state under the lock, and tells.
func (f *fakeTransport) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeTransport) Publish(m *transport.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.Topic == "refused" {
		return errRefused
	}
	c := transport.Message{Topic: m.Topic, Envelope: append([]byte(nil), m.Envelope...), Plain: m.Plain, Owned: m.Owned}
	for _, p := range m.Payload {
		c.Payload = append(c.Payload, append([]byte(nil), p...))
	}
	f.published = append(f.published, c)
	return nil
}

func (f *fakeTransport) Subscribe(prefix string) error {
	f.set(func() { f.prefixes[prefix]++ })
	if f.subscribed != nil {
		f.subscribed()
	}
	return nil
}

func (f *fakeTransport) Unsubscribe(prefix string) error {
	f.set(func() { f.prefixes[prefix]-- })
	return nil
}

func (f *fakeTransport) Receive(ctx context.Context, into []transport.Message) (int, error) {
	f.receives.Add(1)
	select {
	case into[0] = <-f.incoming:
		return 1, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-f.closed:
		return 0, net.ErrClosed
	}
}

func (f *fakeTransport) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *fakeTransport) Pending() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pending
}

func (f *fakeTransport) Publishers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.publishers
}

func (f *fakeTransport) Subscribers(string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.subscribers
}

func (f *fakeTransport) Events() <-chan transport.Event     { return f.events }
func (f *fakeTransport) Shutdown(ctx context.Context) error { return f.shutdown(ctx) }

func (f *fakeTransport) Stats() transport.Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return transport.Stats{Sent: uint64(len(f.published)), Dropped: f.dropped}
}

func (f *fakeTransport) Close() error {
	f.once.Do(func() {
		close(f.closed)
		close(f.events)
	})
	return nil
}

// sent returns what the bus has published.
func (f *fakeTransport) sent() []transport.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.published
}
