package memory

import (
	"errors"
	"fmt"
	"net"
)

// ErrClosed is returned by a transport after Close, and once Shutdown has begun. It matches [net.ErrClosed].
var ErrClosed error = closedError{}

type closedError struct{}

// Error says that the transport is closed.
func (closedError) Error() string { return "memory: the transport is closed" }

// Is reports that it is a net.ErrClosed.
func (closedError) Is(target error) bool { return target == net.ErrClosed }

// errLeft is why a connection ended when the peer has left the network.
var errLeft = errors.New("memory: the peer has left the network")

// LimitError reports a part of a message that is outside its limits.
type LimitError struct {
	Field string // such as "length of topic"
	Value any    // what it is
	Limit string // what it may be
}

// Error names the field, the value and the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("memory: %s is %v, allowed is %s", e.Field, e.Value, e.Limit)
}
