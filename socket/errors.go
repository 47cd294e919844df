package socket

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-zeromq/zmq4"
)

// ErrClosed is returned by every call on a socket after Close, or once Shutdown has begun.
var ErrClosed = errors.New("socket: closed")

// Errors of single socket types.
var (
	// ErrFull: a ROUTER with Mandatory, or a PUB or XPUB with NoDrop, has no room for the message at a peer. Changed tells when half of its
	// queue is free again.
	ErrFull = errors.New("socket: the queue of a peer is full")
	// ErrUnroutable: a ROUTER with Mandatory has no peer of that routing ID.
	ErrUnroutable = errors.New("socket: no peer has this routing ID")
	// ErrPeerLost: the peer that had the request of a REQ is gone, and with it the reply. The next request may be sent.
	ErrPeerLost = errors.New("socket: the peer that had the request is gone")
	// ErrState: every [*StateError] is one.
	ErrState = errors.New("socket: out of turn")
)

// Reasons why a connection was ended from this side, found with errors.Is in [Event.Reason].
var (
	// ErrSilent: nothing was heard from the peer for the heartbeat timeout, or for the time to live that it announced itself.
	ErrSilent = errors.New("socket: the peer is silent")
	// ErrFlood: the peer sends PINGs and does not read the answers.
	ErrFlood = errors.New("socket: the peer does not read the answers to its PINGs")
	// ErrSubscriptions: the peer has more than 65,536 subscriptions at once, one of more than 4 KiB, or more than 4 MiB together.
	ErrSubscriptions = errors.New("socket: the peer has more than 65536 subscriptions, one of more than 4 KiB, or more than 4 MiB of them")
	// ErrIdentityInUse: another peer of the ROUTER or REP has the identity already.
	ErrIdentityInUse = errors.New("socket: another peer has this identity")
	// ErrPaired: a PAIR has a peer already.
	ErrPaired = errors.New("socket: the PAIR has a peer already")
)

// EndpointError reports an endpoint that cannot be used: malformed, in use, not permitted.
type EndpointError struct {
	Endpoint string // as given
	Op       string // "listen", "dial", "unbind" or "disconnect"
	Err      error  // errors.Is(err, syscall.EADDRINUSE) for one in use
}

func (e *EndpointError) Error() string {
	return fmt.Sprintf("socket: cannot %s on %q: %v", e.Op, e.Endpoint, e.Err)
}

// Unwrap returns the cause.
func (e *EndpointError) Unwrap() error { return e.Err }

// MessageError reports a message that no socket may send.
type MessageError struct {
	Field string // "frames" or "size", the latter in bytes
	Value int
	Limit int
}

func (e *MessageError) Error() string {
	if e.Value < e.Limit {
		return fmt.Sprintf("socket: message with %s %d, the least is %d", e.Field, e.Value, e.Limit)
	}
	return fmt.Sprintf("socket: message with %s %d, the limit is %d", e.Field, e.Value, e.Limit)
}

// OptionError reports an option that cannot be set or has a bad value.
type OptionError struct {
	Option string
	Reason string
}

func (e *OptionError) Error() string { return fmt.Sprintf("socket: option %s %s", e.Option, e.Reason) }

// UnsupportedError reports a call that this type of socket does not have. It is an [errors.ErrUnsupported].
type UnsupportedError struct {
	Type zmq4.SocketType
	Op   string // the method
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("socket: a %s socket has no %s", e.Type, e.Op)
}

// Is makes errors.Is(err, errors.ErrUnsupported) true.
func (e *UnsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

// StateError reports a call of a REQ or REP out of turn. It is an [ErrState].
type StateError struct {
	Type   zmq4.SocketType
	Op     string // "Send" or "Recv"
	Reason string // what has to come first
}

func (e *StateError) Error() string {
	return fmt.Sprintf("socket: a %s socket cannot %s now: %s", e.Type, e.Op, e.Reason)
}

// Is makes errors.Is(err, ErrState) true.
func (e *StateError) Is(target error) bool { return target == ErrState }

// FlushError is returned by Shutdown when the context ended, or a connection was lost, before all was flushed.
type FlushError struct {
	Peers []Unflushed // never empty
}

// Unflushed is one peer of a [FlushError].
type Unflushed struct {
	Endpoint string
	Remote   string
	Queued   int   // messages that were not even written
	Err      error // why it ended: an error of the context or of the connection
}

func (e *FlushError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "socket: %d peers not flushed", len(e.Peers))
	for _, p := range e.Peers {
		fmt.Fprintf(&b, "; %s (%s): %d messages unwritten: %v", p.Endpoint, p.Remote, p.Queued, p.Err)
	}
	return b.String()
}

// Unwrap returns the causes, one for each peer.
func (e *FlushError) Unwrap() []error {
	causes := make([]error, len(e.Peers))
	for i, p := range e.Peers {
		causes[i] = p.Err
	}
	return causes
}
