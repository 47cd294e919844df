package request

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/fanfare-go/fanfare/bus"
)

var (
	// ErrTimeout says that no reply came within the time and the attempts of a request. Whether a server has handled it is not known.
	// It matches [context.DeadlineExceeded]. [Client.Do] returns it within a [*NoReplyError].
	ErrTimeout error = timeoutError{}
	// ErrNoServer says that no server was there at any time during a request: nobody has handled it. [Client.Do] returns it within a
	// [*NoReplyError].
	ErrNoServer = errors.New("request: no server is connected")
)

type timeoutError struct{}

// Error says that there was no reply.
func (timeoutError) Error() string { return "request: no reply in time" }

// Timeout reports that it is a timeout, as net.Error does.
func (timeoutError) Timeout() bool { return true }

// Is reports that it is a context.DeadlineExceeded.
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// NoReplyError says that a request got no reply, and why. It matches its Reason: [ErrTimeout] or [ErrNoServer].
type NoReplyError struct {
	Call     string
	Reason   error
	Attempts int      // that were sent
	Lost     int      // of those: the connection ended before the reply
	Missing  []string // endpoints that were dialled and not connected at the end
}

// Error names the call, the reason and what was tried.
func (e *NoReplyError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%v to %q", e.Reason, e.Call)
	if e.Attempts > 0 {
		fmt.Fprintf(&s, ", %d attempts", e.Attempts)
	}
	if e.Lost > 0 {
		fmt.Fprintf(&s, ", %d connections lost", e.Lost)
	}
	if len(e.Missing) > 0 {
		fmt.Fprintf(&s, "; %s", strings.Join(e.Missing, "; "))
	}
	return s.String()
}

// Unwrap returns the reason.
func (e *NoReplyError) Unwrap() error { return e.Reason }

// Code says what kind of failure a [*RemoteError] is. Handlers may return codes of their own.
type Code string

// The codes that servers of this module send.
const (
	CodeFailed        Code = "failed"        // the handler returned an error
	CodeInternal      Code = "internal"      // the handler panicked or ended its goroutine, or its reply does not encode
	CodeDecode        Code = "decode"        // the request does not decode
	CodeDeadline      Code = "deadline"      // the handler's deadline passed; matches ErrTimeout
	CodeCancelled     Code = "cancelled"     // the handler's context was cancelled; matches context.Canceled
	CodeOverloaded    Code = "overloaded"    // the server has too much to do, or is ending: the client tries another one
	CodeUnimplemented Code = "unimplemented" // the server does not serve the call: the client tries another one
)

// RemoteError is a failure that a server has answered with. A handler returns one to choose the code; any other error of a handler
// becomes one with [CodeFailed]. It is the same whether the server is in this process or in another one.
type RemoteError struct {
	Code    Code
	Message string
}

// Error gives the message and the code.
func (e *RemoteError) Error() string { return fmt.Sprintf("request: %s (%s)", e.Message, e.Code) }

// Is reports that the codes of deadlines and cancellation are what they are named after.
func (e *RemoteError) Is(target error) bool {
	switch e.Code {
	case CodeDeadline:
		return target == ErrTimeout || target == context.DeadlineExceeded
	case CodeCancelled:
		return target == context.Canceled
	case CodeOverloaded:
		return target == bus.ErrFull
	}
	return false
}

var (
	// errLocal says that there is a server in this process after all.
	errLocal = errors.New("request: there is a server in this process")
	// errEnding says that a server in this process is ending.
	errEnding = errors.New("request: the server is ending")
	// errGoexit is how a request ends whose handler has called runtime.Goexit.
	errGoexit error = &RemoteError{CodeInternal, "the handler has ended its goroutine"}
	// errOverloaded is the answer to a request that there is no room for.
	errOverloaded error = &RemoteError{CodeOverloaded, "the server has no room for the request, or is ending"}
	// errContext is how a request ends when a middleware has passed on a context of its own.
	errContext error = &RemoteError{CodeInternal, "a middleware has passed on a context that is not derived from the one it got"}
)

// public returns an error of the transport as callers see it.
func public(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return bus.ErrClosed
	}
	return err
}

// maxMessage is how much of an error's text travels, in bytes.
const maxMessage = 8 << 10

// remote returns the failure that err is to a client. Methods of the error may panic, such as those of a nil pointer.
func remote(err error) (failure *RemoteError) {
	defer func() {
		if value := recover(); value != nil {
			failure = &RemoteError{CodeInternal, fmt.Sprintf("the handler's error, a %T, panics: %v", err, value)}
		}
	}()
	var (
		e        *RemoteError
		panicked *bus.PanicError
		decode   *bus.DecodeError
	)
	code := CodeFailed
	switch {
	case errors.As(err, &e):
		code, err = e.Code, errors.New(e.Message)
	case errors.As(err, &panicked):
		code = CodeInternal
	case errors.As(err, &decode):
		code = CodeDecode
	case errors.Is(err, context.DeadlineExceeded):
		code = CodeDeadline
	case errors.Is(err, context.Canceled):
		code = CodeCancelled
	}
	message := err.Error()
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "")
	}
	return &RemoteError{Code: code, Message: message}
}
