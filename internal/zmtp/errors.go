package zmtp

import (
	"fmt"

	"github.com/go-zeromq/zmq4"
)

// ProtocolError reports bytes from a peer that break ZMTP or a limit of ours. The connection they came from cannot be used further.
type ProtocolError struct {
	Part   string // what was being read: "greeting", "frame", "message", "command", "metadata" or "handshake"
	Reason string // what is wrong with it, with the limit and the value where there are any
}

func (e *ProtocolError) Error() string { return "zmtp: bad " + e.Part + ": " + e.Reason }

func violation(part, format string, args ...any) error {
	return &ProtocolError{Part: part, Reason: fmt.Sprintf(format, args...)}
}

// IncompatibleError reports a peer whose socket type does not talk to ours (RFC 23, "Socket-Type").
type IncompatibleError struct {
	Local, Peer zmq4.SocketType
}

func (e *IncompatibleError) Error() string {
	return fmt.Sprintf("zmtp: a %s socket does not talk to a %s socket", e.Local, e.Peer)
}

// RefusedError reports a peer that ended the handshake with an ERROR command.
type RefusedError struct {
	Reason string // as sent by the peer, at most 255 bytes
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("zmtp: the peer refused the connection: %q", e.Reason)
}
