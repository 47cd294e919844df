package zmq

import (
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
	for _, frames := range batch {
		server.Request(newRequest(c, frames, now))
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
