package zmq

import (
	"errors"
	"fmt"
	"net"

	"github.com/fanfare-go/fanfare/socket"
)

// ErrClosed is returned by a transport after Close, and once Shutdown has begun. It matches [net.ErrClosed].
var ErrClosed error = closedError{}

type closedError struct{}

// Error says that the transport is closed.
func (closedError) Error() string { return "zmq: the transport is closed" }

// Is reports that it is a net.ErrClosed.
func (closedError) Is(target error) bool { return target == net.ErrClosed }

// LimitError reports an option, or a part of a message, that is outside its limits.
type LimitError struct {
	Field string // such as "Options.MaxMessageSize" or "length of topic"
	Value any    // what it is
	Limit string // what it may be
}

// Error names the field, the value and the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("zmq: %s is %v, allowed is %s", e.Field, e.Value, e.Limit)
}

// public returns err as callers of a transport see it.
func public(err error) error {
	if errors.Is(err, socket.ErrClosed) {
		return ErrClosed
	}
	return err
}
