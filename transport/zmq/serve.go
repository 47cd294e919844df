package zmq

import (
	"bytes"
	"slices"
	"sync"
	"time"

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
	first    *request // those that may be abandoned, in a list: most are never looked for
	underway int
	gone     bool
}

// Messages hands requests to the server.
func (c *client) Messages(batch [][][]byte) {
	server := c.serving.await()
	if server == nil {
		return
	}
	c.conn.Ease()     // what it does not read is not asked for
	now := time.Now() // 50 ns, so once for all that came together
	for i, frames := range batch {
		server.Request(newRequest(c, frames, now), i < len(batch)-1)
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
		r.listed = false
		abandoned = append(abandoned, r.abandoned)
	}
	c.mu.Unlock()
	for _, f := range abandoned {
		f(true)
	}
}

// add puts a request on the list. The caller holds the lock.
func (c *client) add(r *request) {
	r.next = c.first
	if r.next != nil {
		r.next.previous = r
	}
	c.first = r
	r.listed = true
	c.underway++
}

// remove takes a request that is answered off the list, if it is there. The caller holds the lock.
func (c *client) remove(r *request) {
	if !r.listed {
		return
	}
	r.listed = false
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
