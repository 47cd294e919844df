package zmq

import (
	"bytes"
	"errors"
	"slices"
	"sync"

	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/go-zeromq/zmq4"
)

// serving is the ROUTER: it hands the requests of its clients to the server that the bus has.
type serving struct {
	of     *Transport
	socket *socket.Custom

	mu     sync.Mutex
	server transport.Server
	there  chan struct{} // closed when there is a server
	over   chan struct{} // closed when the transport ends
	once   sync.Once
}

func (s *serving) open(t *Transport, o *socket.Options) {
	s.of, s.there, s.over = t, make(chan struct{}), make(chan struct{})
	s.socket = socket.NewCustom(zmq4.Router, s, o)
}

// end lets readers go that wait for a server.
func (s *serving) end() { s.once.Do(func() { close(s.over) }) }

// Serve hands requests to server: see [transport.Requester]. The error is [ErrClosed] or a [*transport.InUseError].
func (t *Transport) Serve(server transport.Server) error {
	s := &t.serving
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case t.refusing.Load():
		return ErrClosed
	case s.server != nil:
		return &transport.InUseError{What: "Serve"}
	}
	s.server = server
	close(s.there)
	return nil
}

// await returns the server, and waits until there is one; nil at the end of the transport.
func (s *serving) await() transport.Server {
	select {
	case <-s.there:
		return s.server // does not change any more
	case <-s.over:
		return nil
	}
}

// Connected serves one more client.
func (s *serving) Connected(c *socket.Connection) socket.Session {
	return &client{serving: s, conn: c, peer: peerOf(c.Peer())}
}

// client is a connected client, and the session of its connection.
type client struct {
	serving *serving
	conn    *socket.Connection
	peer    transport.Peer

	mu       sync.Mutex
	first    *request // those without a reply, in a list: most are never looked for
	underway int
	gone     bool
}

// Messages hands requests to the server.
func (c *client) Messages(batch [][][]byte) {
	server := c.serving.await()
	if server == nil {
		return
	}
	c.conn.Ease() // what it does not read is not asked for
	for i, frames := range batch {
		r := newRequest(c, frames)
		if !c.add(r) {
			return
		}
		server.Request(r, i < len(batch)-1)
	}
}

// Command ignores what no version of the protocol has told yet.
func (c *client) Command(string, []byte) {}

// Written is of no interest: Ease waits for it.
func (c *client) Written() {}

// Closed abandons what has no reply yet.
func (c *client) Closed(error) {
	c.mu.Lock()
	c.gone = true
	all := c.first
	c.first = nil
	var abandoned []func(bool)
	for r := all; r != nil; r = r.next {
		r.over, r.lost = true, true
		if r.abandoned != nil {
			abandoned = append(abandoned, r.abandoned)
		}
	}
	c.mu.Unlock()
	for _, f := range abandoned {
		f(true)
	}
}

func (c *client) add(r *request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return false
	}
	r.next = c.first
	if r.next != nil {
		r.next.previous = r
	}
	c.first = r
	c.underway++
	return true
}

// remove takes a request that is answered off the list. The caller holds the lock, and the request is on the list.
func (c *client) remove(r *request) {
	if r.previous != nil {
		r.previous.next = r.next
	} else {
		c.first = r.next
	}
	if r.next != nil {
		r.next.previous = r.previous
	}
	r.previous, r.next = nil, nil
	c.underway--
}

// request is one request of a client. It is a transport.Request.
type request struct {
	client  *client
	stack   [][]byte // to the first empty frame, which the reply begins with; none if the client sends none
	message transport.Message

	// Guarded by client.mu.
	abandoned      func(lost bool)
	cancelled      bool
	lost           bool // the connection has ended
	over           bool // it is on the list no more: answered, or lost
	previous, next *request
}

func newRequest(c *client, frames [][]byte) *request {
	r := &request{client: c}
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

func (r *request) OnAbandoned(f func(lost bool)) {
	r.client.mu.Lock()
	lost, cancelled := r.lost, r.cancelled
	r.abandoned = f
	r.client.mu.Unlock()
	if f != nil && (lost || cancelled) {
		f(lost)
	}
}

// awaited says whether the client still waits, and whether for nothing else.
func (r *request) awaited() (awaited, alone bool) {
	c := r.client
	c.mu.Lock()
	defer c.mu.Unlock()
	return !r.over, c.underway == 1
}

// Reply answers in the form of the request.
func (r *request) Reply(m *transport.Message) error {
	t := r.client.serving.of
	if err := t.check(m); err != nil {
		return err
	}
	awaited, alone := r.awaited()
	err := socket.ErrClosed
	if awaited {
		o := t.borrow()
		o.frames = append(o.frames[:0], r.stack...)
		o.appendBody(m, r.message.Envelope == nil)
		err = r.client.conn.Send(o.frames, flagsOf(m, alone)|socket.Beyond)
		t.giveBack(o)
	}
	if err != nil && !errors.Is(err, socket.ErrClosed) {
		return err
	}
	r.end()
	if err != nil {
		t.counts.repliesDropped.Add(1)
		return transport.ErrLost
	}
	return nil
}

func (r *request) Discard() {
	if r.end() {
		r.client.serving.of.counts.repliesDropped.Add(1)
	}
}

// end takes it off the list, and reports whether it was there.
func (r *request) end() bool {
	c := r.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.over {
		return false
	}
	r.over = true
	c.remove(r)
	return true
}

// Cancel abandons the requests of the same client with the same id: there may be two, when one was tried again.
func (r *request) Cancel() {
	c := r.client
	var abandoned []func(bool)
	c.mu.Lock()
	for other := c.first; other != nil; other = other.next {
		if other == r || other.cancelled || !slices.EqualFunc(other.stack, r.stack, bytes.Equal) {
			continue
		}
		other.cancelled = true
		if other.abandoned != nil {
			abandoned = append(abandoned, other.abandoned)
		}
	}
	c.mu.Unlock()
	r.end()
	for _, f := range abandoned {
		f(false)
	}
}
