package memory

import (
	"container/list"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/transport"
)

// serving hands the requests of the clients, which are the peers of a transport, to the server that the bus has.
type serving struct {
	of *Transport
	is atomic.Bool // there is a server

	mu      sync.Mutex // comes before those of the clients' mailboxes
	server  transport.Server
	clients []*client // in the order in which they came
}

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
	s.is.Store(true)
	for _, c := range s.clients {
		c.box.serve(true)
	}
	return nil
}

// client is a peer that asks.
type client struct {
	serving *serving
	peer    transport.Peer
	replies *requests // the client's own
	server  *server   // what this transport is to it
	box     mailbox[asked]

	mu       sync.Mutex
	underway list.List // of *request, in the order in which they came
	gone     bool
}

// asked is a request on its way.
type asked struct {
	id      uint64
	message transport.Message
}

// meet makes from a client of to.
func meet(from, to *Transport) (*client, *server) {
	c := &client{serving: &to.serving, peer: from.peer, replies: &from.requests}
	c.server = &server{client: c}
	c.box.hands, c.box.hand = &to.hands, c.ask
	c.box.took = func(full bool) {
		if full {
			from.changed.Tell()
		}
	}
	s := &to.serving
	s.mu.Lock()
	s.clients = append(s.clients, c)
	c.box.open = s.server != nil
	s.mu.Unlock()
	from.requests.add(c.server)
	return c, c.server
}

// ask hands requests to the server.
func (c *client) ask(some []asked) {
	c.serving.mu.Lock()
	server := c.serving.server
	c.serving.mu.Unlock()
	now := time.Now()
	for _, a := range some {
		r := &request{client: c, id: a.id, message: a.message, arrived: now}
		c.mu.Lock()
		if !c.gone {
			r.place = c.underway.PushBack(r)
		}
		c.mu.Unlock()
		server.Request(r)
	}
}

// leave says that the client gets no replies any more. What it has asked is still handed on, and then abandoned.
func (c *client) leave() {
	c.mu.Lock()
	c.gone = true
	c.mu.Unlock()
	c.box.end(false, c.lose)
}

// lose abandons what has no reply yet.
func (c *client) lose() {
	c.serving.mu.Lock()
	c.serving.clients = slices.DeleteFunc(c.serving.clients, func(other *client) bool { return other == c })
	c.serving.mu.Unlock()
	c.mu.Lock()
	c.gone = true
	var abandoned []func(lost bool)
	for c.underway.Len() > 0 {
		r := c.underway.Remove(c.underway.Front()).(*request)
		if r.abandoned != nil {
			abandoned = append(abandoned, r.abandoned)
		}
	}
	c.mu.Unlock()
	for _, f := range abandoned {
		f(true)
	}
}

// all returns the clients.
func (s *serving) all() []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.clients)
}
