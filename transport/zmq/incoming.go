package zmq

import (
	"bytes"
	"slices"
	"time"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
)

// request is one request of a client. It is a transport.Request. It is on the client's list from OnAbandoned on until it is answered or lost.
type request struct {
	client  *client
	stack   [][]byte // to the first empty frame, which the reply begins with; none if the client sends none
	message transport.Message
	arrived time.Time

	// Guarded by client.mu.
	abandoned      func(lost bool)
	cancelled      bool
	over           bool // it was answered
	listed         bool
	previous, next *request
}

func newRequest(c *client, frames [][]byte, now time.Time) *request {
	r := &request{client: c, arrived: now}
	for i, frame := range frames {
		if len(frame) == 0 {
			r.stack, frames = frames[:i+1:i+1], frames[i+1:]
			break
		}
	}
	r.message = parseBody(frames)
	return r
}

func (r *request) Message() *transport.Message { return &r.message }
func (r *request) Client() transport.Peer      { return r.client.peer }
func (r *request) Arrived() time.Time          { return r.arrived }

func (r *request) OnAbandoned(f func(lost bool)) {
	c := r.client
	c.mu.Lock()
	r.abandoned = f
	lost, cancelled := c.gone, r.cancelled
	if !lost && !r.listed && !r.over {
		c.add(r)
	}
	c.mu.Unlock()
	if lost || cancelled {
		f(lost)
	}
}

// Reply answers in the form of the request.
func (r *request) Reply(m *transport.Message) error {
	t := r.client.serving.of
	if err := t.check(m); err != nil {
		return err
	}
	o := t.borrow()
	defer t.giveBack(o)
	o.frames = append(o.frames[:0], r.stack...)
	o.appendBody(m, r.message.Envelope == nil)
	if err := r.client.conn.Check(o.frames); err != nil {
		return err
	}
	awaited, alone := r.end()
	if awaited && r.client.conn.Send(o.frames, flagsOf(m, alone)|socket.Beyond) == nil {
		return nil
	}
	t.counts.repliesDropped.Add(1)
	return transport.ErrLost
}

func (r *request) Discard() {
	if awaited, _ := r.end(); awaited {
		r.client.serving.of.counts.repliesDropped.Add(1)
	}
}

// end takes it off the list, and reports whether the client still waited for an answer, and whether for none to another request.
func (r *request) end() (awaited, alone bool) {
	c := r.client
	c.mu.Lock()
	defer c.mu.Unlock()
	awaited = !r.over && !c.gone
	r.over = true
	c.remove(r)
	return awaited, c.underway == 0
}

// Cancel abandons the requests of the same client with the same id: there may be two, when one was tried again.
func (r *request) Cancel() {
	c := r.client
	var abandoned []func(bool)
	c.mu.Lock()
	for other := c.first; other != nil; other = other.next {
		if !other.cancelled && slices.EqualFunc(other.stack, r.stack, bytes.Equal) {
			other.cancelled = true
			abandoned = append(abandoned, other.abandoned)
		}
	}
	c.mu.Unlock()
	for _, f := range abandoned {
		f(false)
	}
}
