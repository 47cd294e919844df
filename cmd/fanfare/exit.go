package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/fanfare-go/fanfare/request"
)

// The exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitTimeout = 3
)

// usageError is a fault of the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// flagError says what is wrong with the value of a flag or an argument.
type flagError struct {
	flag  string // as the user wrote it, such as "--bind"
	value string
	err   error
}

func (e *flagError) Error() string { return fmt.Sprintf("%s %q: %v", e.flag, e.value, e.err) }
func (e *flagError) Unwrap() error { return e.err }

// timeoutError is the cause of a context that --timeout has ended.
type timeoutError struct{ limit time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("timeout after %v", e.limit) }

// errInterrupted says that a signal came before the work was done.
var errInterrupted = errors.New("interrupted")

// exitCode returns the exit code for err.
func exitCode(err error) int {
	if _, usage := errors.AsType[*usageError](err); usage {
		return exitUsage
	}
	if _, timeout := errors.AsType[*timeoutError](err); timeout || errors.Is(err, request.ErrTimeout) || errors.Is(err, request.ErrNoServer) {
		return exitTimeout
	}
	return exitFailed
}
