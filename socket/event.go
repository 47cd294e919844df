package socket

import (
	"fmt"
	"sync"
	"time"
)

// Kind says what an [Event] is about.
type Kind uint8

// The kinds of events. In brackets: which fields are set besides Kind and Endpoint.
const (
	Listening          Kind = iota + 1 // a listener is open; Endpoint has its port
	Unlistened                         // a listener was closed
	AcceptFailed                       // accepting failed and is tried again [Reason, Delay]
	Accepted                           // a connection came in; its handshake begins [Remote]
	Connected                          // a dialled connection is there; its handshake begins [Remote]
	ConnectRetried                     // dialling failed or the connection was lost, and it is tried again [Reason, Delay]
	HandshakeSucceeded                 // a peer is ready for messages [Remote, Peer]
	HandshakeFailed                    // a connection was closed before it became a peer [Remote, Reason]
	Disconnected                       // a peer is gone [Remote, Reason, Peer]
	Closed                             // the socket is closed; the last event
)

var kindNames = [...]string{"none", "listening", "unlistened", "accept failed", "accepted", "connected", "connect retried",
	"handshake succeeded", "handshake failed", "disconnected", "closed"}

// String returns the kind in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", k)
}

// Event tells what happened to a socket's endpoints and connections.
type Event struct {
	Kind     Kind
	Endpoint string        // as given to Dial, or as bound
	Remote   string        // address of the other side
	Reason   error         // io.EOF when the peer hung up
	Delay    time.Duration // until the next attempt
	Peer     *Peer         // as it was at that moment; shared by all readers, do not change
}

// monitor is the buffered channel of events. Emitting never blocks.
type monitor struct {
	mu      sync.Mutex
	events  chan Event
	closed  bool
	dropped uint64
}

func (m *monitor) emit(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	select {
	case m.events <- e:
	default:
		m.dropped++
	}
}

// close emits the last event and closes the channel.
func (m *monitor) close() {
	m.emit(Event{Kind: Closed})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	close(m.events)
}

func (m *monitor) lost() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropped
}
