package socket

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// Kind says what an [Event] is about. The values are those of libzmq's monitor (zmq_socket_monitor).
type Kind uint16

// The kinds of events. In brackets: which fields are set besides Kind and Endpoint.
const (
	Connected               Kind = 1 << iota // a dialled connection is there; its handshake begins [Remote]
	ConnectDelayed                           // an attempt to connect has begun
	ConnectRetried                           // dialling failed or the connection was lost, and it is tried again [Reason, Delay]
	Listening                                // a listener is open; Endpoint has its port
	BindFailed                               // Listen failed, and has returned the reason [Reason]
	Accepted                                 // a connection came in; its handshake begins [Remote]
	AcceptFailed                             // accepting failed and is tried again [Reason, Delay]
	Closed                                   // a listener was closed
	CloseFailed                              // closing a listener failed [Reason]
	Disconnected                             // a peer is gone [Remote, Reason, Peer]
	MonitorStopped                           // the socket is closed; the last event
	HandshakeFailedNoDetail                  // a connection was lost, or fell silent, before it became a peer [Remote, Reason]
	HandshakeSucceeded                       // a peer is ready for messages [Remote, Peer]
	HandshakeFailedProtocol                  // a peer broke the protocol, does not suit, or was refused by us [Remote, Reason]
	HandshakeFailedAuth                      // a peer refused us with an ERROR command [Remote, Reason]
)

var kindNames = map[Kind]string{Connected: "connected", ConnectDelayed: "connect delayed", ConnectRetried: "connect retried", Listening: "listening",
	BindFailed: "bind failed", Accepted: "accepted", AcceptFailed: "accept failed", Closed: "closed", CloseFailed: "close failed",
	Disconnected: "disconnected", MonitorStopped: "monitor stopped", HandshakeFailedNoDetail: "handshake failed",
	HandshakeSucceeded: "handshake succeeded", HandshakeFailedProtocol: "handshake failed: protocol", HandshakeFailedAuth: "handshake failed: refused"}

// String returns the kind in words.
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("kind %#x", uint16(k))
}

// HandshakeFailed is every kind of failed handshake: k&HandshakeFailed != 0.
const HandshakeFailed = HandshakeFailedNoDetail | HandshakeFailedProtocol | HandshakeFailedAuth

// failure is the kind of event for a failed handshake.
func failure(err error) Kind {
	var (
		protocol     *zmtp.ProtocolError
		incompatible *zmtp.IncompatibleError
		refused      *zmtp.RefusedError
	)
	switch {
	case errors.As(err, &refused):
		return HandshakeFailedAuth
	case errors.As(err, &protocol), errors.As(err, &incompatible), errors.Is(err, ErrPaired), errors.Is(err, ErrIdentityInUse):
		return HandshakeFailedProtocol
	default:
		return HandshakeFailedNoDetail
	}
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
	m.emit(Event{Kind: MonitorStopped})
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
