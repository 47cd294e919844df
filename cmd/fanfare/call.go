package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/request"
)

// call is something that can be asked for: of the payloads nothing here knows what they mean.
type call = request.Call[[]byte, []byte]

// callOf returns the call with that name, which is nil with --plain.
func callOf(name *string) (call, error) {
	c, err := request.ParseCall[[]byte, []byte](nameOr(name))
	if err != nil {
		return call{}, &usageError{err}
	}
	return c.WithCodec(codec.Raw), nil
}

// noReply is why there is no reply, in the words of the command line.
type noReply struct {
	text string
	err  error
}

func (e *noReply) Error() string { return e.text }
func (e *noReply) Unwrap() error { return e.err }

// explain returns the error of a request as the user is to read it. ctx is that of the request.
func explain(ctx context.Context, err error) error {
	if failed, ok := errors.AsType[*request.RemoteError](err); ok {
		what := "the server answered with a failure"
		if errors.Is(err, request.ErrTimeout) { // it may tell so before we see it ourselves
			what = "no reply in time, says the server"
		}
		return &noReply{fmt.Sprintf("%s: %s (%s)", what, failed.Message, failed.Code), err}
	}
	if silent, ok := errors.AsType[*request.NoReplyError](err); ok {
		return &noReply{silence(silent), err}
	}
	if errors.Is(err, context.Canceled) {
		return interruption(ctx)
	}
	return err
}

// silence says what was tried in vain.
func silence(e *request.NoReplyError) string {
	if errors.Is(e, request.ErrNoServer) {
		return strings.Join(append([]string{"no server was connected in time"}, e.Missing...), "; ")
	}
	text := fmt.Sprintf("no reply in time, attempts: %d", e.Attempts)
	if e.Attempts > 0 && e.Lost == e.Attempts { // then there may have been time left
		text = fmt.Sprintf("no reply, attempts: %d", e.Attempts)
	}
	if e.Lost > 0 {
		text += fmt.Sprintf(", connections lost: %d", e.Lost)
	}
	return strings.Join(append([]string{text}, e.Missing...), "; ")
}
