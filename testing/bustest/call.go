package bustest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/topic"
)

// Call is a fake of either side of a call: with Do it stands in for a client, with Handle for a server. It does with each request what its
// script says, and remembers them. All methods may be called concurrently; those that can fail the test only from its own goroutine.
type Call[Req, Resp any] struct {
	*double[Req]
	name   string
	answer func(Req) (Resp, error)
	client *request.Client[Req, Resp]
}

var _ request.Interface[any, any] = (*Call[any, any])(nil)

// NewCall returns a fake for code that takes a [request.Interface], or whose server is to be a fake one: request.Serve(b, Quote, fake.Handle, nil).
// A request that the script lets succeed is answered by answer, or with the zero reply if that is nil. Without a script all are; see [Behavior].
func NewCall[Req, Resp any](t testing.TB, c request.Call[Req, Resp], answer func(Req) (Resp, error), script ...Behavior) *Call[Req, Resp] {
	t.Helper()
	b := New(t)
	f := &Call[Req, Resp]{double: newDouble[Req](t, fmt.Sprintf("the fake call %q", c), script), name: c.String(), answer: answer}
	_, err := request.Serve(b, c, f.serve, nil)
	if err == nil {
		f.client, err = request.NewClient(b, c, &request.Options{Timeout: -1})
	}
	if err != nil {
		t.Fatalf("a fake of call %q: %v", f.name, err)
	}
	return f
}

// Do is that of a [request.Client] whose server is the fake, so errors are as code under test meets them: those of the script and of answer are
// a [*request.RemoteError], and so is a panic. But [request.ErrTimeout] and [request.ErrNoServer] come in a [*request.NoReplyError]; such an
// error, and [bus.ErrClosed], come as they are. There is no timeout but that of ctx.
func (c *Call[Req, Resp]) Do(ctx context.Context, req Req) (reply Resp, err error) {
	var own error
	reply, err = c.client.Do(context.WithValue(ctx, ownKey{}, &own), req)
	if own != nil {
		return reply, own
	}
	return reply, err
}

// Handle is the handler of a fake server. Its error is that of the script, of ctx, or of answer.
func (c *Call[Req, Resp]) Handle(ctx context.Context, req Req) (reply Resp, err error) {
	e := topic.NewEvent(req, topic.Metadata{Topic: c.name, Time: time.Now()})
	err = c.call(ctx, &c.script, Attempt[Req]{}, &e, func() (failed error) {
		if c.answer != nil {
			reply, failed = c.answer(req)
		}
		return failed
	})
	return reply, err
}

// ownKey is for the error of a Do that no server has answered with, in the context of its handler.
type ownKey struct{}

// serve is Handle for Do, which is in the same goroutine.
func (c *Call[Req, Resp]) serve(ctx context.Context, req Req) (Resp, error) {
	reply, err := c.Handle(ctx, req)
	if own, ok := ctx.Value(ownKey{}).(*error); ok {
		*own = c.own(err)
	}
	return reply, err
}

// own returns the error of a client that err means, nil if it is a server's.
func (c *Call[Req, Resp]) own(err error) error {
	if err == request.ErrTimeout || err == request.ErrNoServer {
		return &request.NoReplyError{Call: c.name, Reason: err}
	}
	if _, ok := errors.AsType[*request.NoReplyError](err); ok || errors.Is(err, bus.ErrClosed) {
		return err
	}
	return nil
}

// Wait waits until n requests have ended, and returns all that have, in the order in which they began. It fails the test, with what was seen,
// when they have not within 10 s. In a bubble of testing/synctest that is virtual time: sleep first for what takes longer there.
func (c *Call[Req, Resp]) Wait(n int) []Attempt[Req] {
	c.t.Helper()
	return c.await(n, "requests have ended", Attempt[Req].ended)
}
