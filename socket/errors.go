package socket

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-zeromq/zmq4"
)

// ErrClosed is returned by every call on a socket after Close, or once Shutdown has begun.
var ErrClosed = errors.New("socket: closed")

// Reasons why a connection was ended from this side, found with errors.Is in [Event.Reason].
var (
	// ErrSilent: nothing was heard from the peer for the heartbeat timeout, or for the time to live that it announced itself.
	ErrSilent = errors.New("socket: the peer is silent")
	// ErrFlood: the peer sends PINGs and does not read the answers.
	ErrFlood = errors.New("socket: the peer does not read the answers to its PINGs")
	// ErrSubscriptions: the peer has more than 65,536 subscriptions at once, or they have more than 4 MiB together.
	ErrSubscriptions = errors.New("socket: the peer has more than 65536 subscriptions, or 4 MiB of them")
)

// EndpointError reports an endpoint that cannot be used: malformed, in use, not permitted.
type EndpointError struct {
	Endpoint string // as given
	Op       string // "listen" or "dial"
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
	if e.Value == 0 {
		return fmt.Sprintf("socket: message with %s 0, the least is 1", e.Field)
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
