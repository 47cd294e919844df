package socket

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/go-zeromq/zmq4"
)

// Router talks to each of its peers by name (RFC 28). A received message begins with the routing ID of the peer that sent it, and the first
// frame of a message to send says for whom it is. The ID is the identity that the peer announced, or else five bytes that the ROUTER chose.
//
// Sending never waits: a message for a peer that is not there, or whose queue is full, is dropped and counted; with Options.Mandatory it is
// refused with [ErrUnroutable] or [ErrFull]. A newcomer whose identity another peer has is refused.
type Router struct {
	base
	routes
}

// NewRouter returns a ROUTER socket. It has no goroutine before the first Listen or Dial.
func NewRouter(opts *Options) *Router {
	s := &Router{}
	s.setup(zmq4.Router, opts, &s.routes)
	s.routes.init(&s.base)
	s.receives()
	return s
}

// Peer describes the connected peer of a routing ID.
func (s *Router) Peer(id []byte) (Peer, bool) {
	s.routes.mu.RLock()
	c := s.byID[string(id)]
	s.routes.mu.RUnlock()
	if c == nil {
		return Peer{}, false
	}
	return c.snapshot(), true
}

// routes are the peers of a ROUTER or REP by routing ID.
type routes struct {
	of     *base
	mu     sync.RWMutex
	byID   map[string]*conn
	chosen uint32
}

// route is the session of one of them.
type route struct {
	plain
	routes *routes
}

func (r *routes) init(b *base) {
	r.of, r.byID, b.sender = b, make(map[string]*conn), r
}

func (r *routes) attach(c *conn) error {
	c.session = route{plain{c}, r}
	if r.of.opts.Mandatory {
		c.out.onRoom, c.out.onFailed = r.of.changes.Tell, r.of.changes.Tell
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.prefix = []byte(c.peer.Identity)
	for len(c.prefix) == 0 || c.peer.Identity == "" && r.byID[string(c.prefix)] != nil {
		r.chosen++
		c.prefix = binary.BigEndian.AppendUint32([]byte{0}, r.chosen)
	}
	if r.byID[string(c.prefix)] != nil {
		return ErrIdentityInUse
	}
	if err := r.of.add(c); err != nil {
		return err
	}
	r.byID[string(c.prefix)] = c
	return nil
}

func (r route) detach() {
	r.routes.mu.Lock()
	defer r.routes.mu.Unlock()
	delete(r.routes.byID, string(r.prefix))
}

func (r *routes) send(_ context.Context, frames [][]byte, own bool) error {
	if len(frames) < 2 {
		return &MessageError{Field: "frames", Value: len(frames), Limit: 2}
	}
	r.mu.RLock()
	c := r.byID[string(frames[0])]
	r.mu.RUnlock()
	mandatory := r.of.opts.Mandatory
	if c == nil {
		if mandatory {
			return ErrUnroutable
		}
		r.of.counters.unroutable.Add(1)
		return nil
	}
	body, pages := r.of.keep(frames[1:], own)
	c.out.lock()
	ok := c.out.offer(body, pages)
	gone := c.out.closed || c.out.sealed
	if !ok && !mandatory && !gone {
		c.out.dropped++
	}
	c.out.release()
	c.out.kick()
	switch {
	case ok:
		return r.of.accepted()
	case mandatory && gone:
		return ErrUnroutable
	case mandatory:
		return ErrFull
	case gone:
		r.of.counters.unroutable.Add(1)
	}
	return nil
}

func (r *routes) sendBatch(ctx context.Context, msgs []zmq4.Msg, own bool) (int, error) {
	return each(ctx, r, msgs, own)
}

// splitStack cuts a message after its first empty frame. ok is false if there is none, or nothing after it.
func splitStack(frames [][]byte) (stack, body [][]byte, ok bool) {
	i := slices.IndexFunc(frames, func(frame []byte) bool { return len(frame) == 0 })
	if i < 0 || i == len(frames)-1 {
		return nil, nil, false
	}
	return frames[: i+1 : i+1], frames[i+1:], true
}
