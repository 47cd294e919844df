package memory

import (
	"container/list"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// request is one request of a client. It is a transport.Request.
type request struct {
	client  *client
	id      uint64
	message transport.Message
	arrived time.Time

	// Guarded by client.mu.
	place     *list.Element // in client.underway
	abandoned func(lost bool)
	cancelled bool
	over      bool // it was answered, or is to have no answer
}

func (r *request) Message() *transport.Message { return &r.message }
func (r *request) Client() transport.Peer      { return r.client.peer }
func (r *request) Arrived() time.Time          { return r.arrived }

func (r *request) OnAbandoned(f func(lost bool)) {
	c := r.client
	c.mu.Lock()
	r.abandoned = f
	lost, missed := c.gone, !r.over && (c.gone || r.cancelled)
	c.mu.Unlock()
	if missed {
		f(lost)
	}
}

// Reply answers in the form of the request.
func (r *request) Reply(m *transport.Message) error {
	t := r.client.serving.of
	if err := t.check(m); err != nil {
		return err
	}
	answer := *m
	answer.Plain = m.Plain || r.message.Envelope == nil
	answer = body(&answer)
	if !r.end() {
		t.counts.repliesDropped.Add(1)
		return transport.ErrLost
	}
	r.client.replies.reply(r.client.server, r.id, answer)
	return nil
}

func (r *request) Discard() {
	if r.end() {
		r.client.serving.of.counts.repliesDropped.Add(1)
	}
}

// end reports whether the client still waited for an answer.
func (r *request) end() (awaited bool) {
	c := r.client
	c.mu.Lock()
	defer c.mu.Unlock()
	awaited = !r.over && !c.gone
	r.over = true
	if r.place != nil {
		c.underway.Remove(r.place) // nothing if it is on the list no more
	}
	return awaited
}

// Cancel abandons the requests of the same client with the same id: there may be two, when one was tried again.
func (r *request) Cancel() {
	r.end()
	c := r.client
	var abandoned []func(lost bool)
	c.mu.Lock()
	for e := c.underway.Front(); e != nil; e = e.Next() {
		other := e.Value.(*request)
		if other.id == r.id && !other.cancelled {
			other.cancelled = true
			if other.abandoned != nil {
				abandoned = append(abandoned, other.abandoned)
			}
		}
	}
	c.mu.Unlock()
	for _, f := range abandoned {
		f(false)
	}
}
